"""The prompts of a labelled data set: its main templates and every further prompt set, as rows."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from ligature.data.prompts.builtin import builtin_templates
from ligature.data.prompts.class_names import names_of, read_class_names
from ligature.data.prompts.sentences import read_sentences
from ligature.errors import ParamsError
from ligature.params.datasets import LabelledDataset
from ligature.params.texts import PromptParams

Resolve = Callable[[str], Path]
COLUMNS = ["id", "label", "text", "variant"]


def read_prompts(params: PromptParams, classes: Mapping[str, str], resolve: Resolve, *, name: str = "") -> pd.DataFrame:
    """Builds the prompts of one set.

    Args:
        params: the set: templates, the name of a set of the package, or a file of sentences.
        classes: keys and names of the classes, in the order of labels.
        resolve: turns a path of the study into a path.
        name: of the set in the study; empty for the main one.

    Returns:
        One row a prompt: ``id`` (``<label>#<number>``, with ``#<name>`` between them for a named set), ``label``,
        ``text`` and ``variant``, which is the language of the set, or its name where that is English.

    Raises:
        DataError: naming the file and the class that it lacks.
    """
    if params.classes is not None:
        path = resolve(params.classes)
        classes = names_of(classes, read_class_names(path), path)
    if params.sentences is not None:
        texts = read_sentences(resolve(params.sentences), classes)
    else:
        templates = params.templates or builtin_templates(params.builtin)
        texts = [[template.replace("{}", class_name) for template in templates] for class_name in classes.values()]
    middle = f"#{name}" if name else ""
    rows = [
        (f"{label}{middle}#{number}", label, text, variant_of(params, name))
        for label, sentences in enumerate(texts)
        for number, text in enumerate(sentences)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def prompt_table(
    params: LabelledDataset, classes: Mapping[str, str], resolve: Resolve, *, name: str = "dataset"
) -> pd.DataFrame:
    """Builds all prompts of a data set: the main templates first, then every set in the order of the study.

    Args:
        params: the data set's block.
        classes: keys and names of the classes, in the order of labels.
        resolve: turns a path of the study into a path.
        name: of the data set, for errors.

    Raises:
        ParamsError: when two sets are of one language, or a set bears the name of another's language.
        DataError: as ``read_prompts`` does.
    """
    variants: dict[str, str] = {}
    for set_name, prompts in params.prompts.items():
        other = variants.setdefault(variant_of(prompts, set_name), set_name)
        if other != set_name:
            raise ParamsError(
                f"datasets.{name}.prompts: {other} and {set_name} would both be reported as "
                f"{variant_of(prompts, set_name)!r}; keep one set a language"
            )
    main = read_prompts(PromptParams(templates=params.templates), classes, resolve)
    further = [read_prompts(prompts, classes, resolve, name=key) for key, prompts in params.prompts.items()]
    return pd.concat([main, *further], ignore_index=True)


def variant_of(params: PromptParams, name: str) -> str:
    """Returns the variant under which a set is measured: its language, or its name where that is English."""
    return name if params.language == "en" else params.language
