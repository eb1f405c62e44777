"""Further texts of a data set: prompt sets, translations, long descriptions."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from ligature.params.base import Block, LocalPath, Positive

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$", max_length=20)]
"""A language tag of BCP 47, such as `de` or `zh-Hans`."""


def check_template(template: str) -> None:
    """Checks that a prompt template has one place for the class name.

    Raises:
        ValueError: if it has not.
    """
    if template.count("{}") != 1:
        raise ValueError(f"template {template!r} must contain {{}} exactly once")


class PromptParams(Block):
    """One way to put class names into sentences."""

    templates: list[str] | None = Field(None, min_length=1)
    """Templates; `{}` stands for the class name."""
    builtin: Literal["single", "eighty"] | None = None
    """One of the package's template sets, instead of `templates`."""
    sentences: LocalPath | None = None
    """Json file of one list of sentences a class (by class key or name), instead of templates."""
    classes: LocalPath | None = None
    """Tab-separated file of class keys and translated class names; the data set's own names by default."""
    language: Language = "en"
    """Language of the prompts; another than `en` counts as a multilingual task."""

    @model_validator(mode="after")
    def _one_way(self) -> "PromptParams":
        if [self.templates, self.builtin, self.sentences].count(None) != 2:
            raise ValueError("give exactly one of templates, builtin and sentences")
        for template in self.templates or []:
            check_template(template)
        return self


class TranslationParams(Block):
    """Captions of the same images in several languages."""

    format: Literal["jsonl", "parallel"]
    """`jsonl`: objects with `id` (or `image`) and a text a language; `parallel`: line by line, one file a language."""
    file: LocalPath
    """The file; `{language}` stands for the language in the parallel format."""
    names: LocalPath | None = None
    """Parallel format: file of image names, one a line."""
    languages: list[Language] = Field(min_length=1)
    """Languages to read, English included if it is to be compared."""

    @model_validator(mode="after")
    def _files_of_the_format(self) -> "TranslationParams":
        parallel = self.format == "parallel"
        if parallel != (self.names is not None) or parallel != ("{language}" in self.file):
            raise ValueError("the parallel format takes names and a file with {language}; jsonl takes neither")
        return self


class DescriptionParams(Block):
    """Long descriptions, asked at several lengths."""

    file: LocalPath
    """File of one json object a line, with `id` and `text`."""
    words: list[Positive] = Field(min_length=1)
    """Numbers of leading words that are asked with; the whole text is asked with too."""
