"""A part of the page."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ligature.reporting.drawing import Drawing
from ligature.reporting.overlays import Overlay
from ligature.reporting.samples import SampleCard
from ligature.reporting.table import Table


@dataclass(frozen=True)
class Section:
    """A part of the page; what is empty is not shown.

    Attributes:
        id: anchor.
        title: heading.
        text: paragraphs.
        points: (heading, sentences) of lists.
        drawings: figures, in order.
        tables: tables, in order.
        samples: sample retrievals.
        overlays: photographs with their masks.
        details: (summary, preformatted text) of collapsible parts.
        published: tables shown apart, measured by others.
        files: tables written beside the page and not shown.
    """

    id: str
    title: str
    text: list[str] = field(default_factory=list)
    points: list[tuple[str, list[str]]] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    samples: list[SampleCard] = field(default_factory=list)
    overlays: list[Overlay] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)
    published: list[Table] = field(default_factory=list)
    files: list[Table] = field(default_factory=list)


def points_of(groups: Iterable[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Returns the (heading, sentences) that have sentences."""
    return [(heading, sentences) for heading, sentences in groups if sentences]
