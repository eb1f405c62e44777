"""What is known of a benchmark: where it comes from, what is measured on it and how, and what is wrong with it."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from ligature.params.datasets import DatasetParams
from ligature.params.texts import Language

Task = Literal[
    "classification",
    "multilingual classification",
    "retrieval",
    "multilingual retrieval",
    "long text retrieval",
    "segmentation",
    "gap",
]
SEE_PAGE = "see the data set's page"
"""Stands where the licence is not one that can be named in a word."""


class BenchmarkMetadata(BaseModel):
    """Facts about one benchmark, in the manner of MTEB's task metadata."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    """Name in the literature."""
    task: Task
    """Task under which its results stand."""
    description: str = Field(min_length=1)
    """What is asked of the model."""
    dataset: str = Field(min_length=1)
    """What is read: the format in a study and the files of the release."""
    reference: str = Field(pattern=r"^https?://\S+$")
    """Address of the data set's page or of its paper."""
    version: str = Field(min_length=1)
    """Version, year or revision of the release."""
    splits: tuple[str, ...] = Field(min_length=1)
    """Splits that can be read, the one that papers report first."""
    languages: tuple[Language, ...] = Field(min_length=1)
    """Languages of the texts, as tags of BCP 47."""
    licence: str = Field(min_length=1)
    """Licence of the data, or where to find it."""
    main_metric: str = Field(min_length=1)
    """The metric to be compared."""
    protocol: str = Field(min_length=1)
    """Transform of images, texts that are asked with, and metric."""
    citation: str = Field(min_length=1)
    """Authors, title, place and year."""
    notes: tuple[str, ...] = ()
    """Known defects, and what must not be compared."""


class Benchmark:
    """One benchmark: its metadata, and whether a data set of a study is it.

    Attributes:
        metadata: the facts.
    """

    metadata: ClassVar[BenchmarkMetadata]

    @classmethod
    def reads(cls, params: DatasetParams) -> bool:
        """Tells whether a data set of a study is read as this benchmark."""
        return False


class FormatBenchmark(Benchmark):
    """A benchmark that has a file format of its own.

    Attributes:
        format: its name in a study.
    """

    format: ClassVar[str]

    @classmethod
    def reads(cls, params: DatasetParams) -> bool:
        """Tells whether a data set of a study has this benchmark's format."""
        return params.format == cls.format


class CaptionsBenchmark(FormatBenchmark):
    """A captioned benchmark that shares its format with others and is known by the path of its captions.

    Attributes:
        hints: parts of the path, in lower case, of which one must occur.
    """

    hints: ClassVar[tuple[str, ...]]

    @classmethod
    def reads(cls, params: DatasetParams) -> bool:
        """Tells whether the format fits and the path of the captions has one of the hints."""
        return super().reads(params) and any(hint in params.captions.lower() for hint in cls.hints)
