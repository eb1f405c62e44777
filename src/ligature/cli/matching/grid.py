"""The grid of an experiment: its points, in the order in which they are computed and reported."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product

from ligature.params.matching import Captions, Direction, MatchingExperiment, Selection, Stretch


@dataclass(frozen=True)
class Point:
    """One combination of the lists of an experiment; every point is measured with all draws and methods.

    Attributes:
        vision: name of the vision encoder.
        text: name of the text encoder.
        language: of the texts of the queries; "" for the data set's own.
        captions: whether an image's captions are averaged, or its first one is taken.
        selection: how the anchors are chosen.
        stretch: what dimensions are scaled by.
        direction: which side asks.
        base_size: number of anchors.
    """

    vision: str
    text: str
    language: str
    captions: Captions
    selection: Selection
    stretch: Stretch
    direction: Direction
    base_size: int

    @property
    def pools(self) -> tuple[str, str, str, Captions]:
        """What decides which features are loaded: encoders, language and captions."""
        return self.vision, self.text, self.language, self.captions

    @property
    def sides(self) -> tuple[str, str]:
        """The side of the queries and the side of the gallery: ``images`` and ``texts``, or the other way round."""
        return ("images", "texts") if self.direction == "i2t" else ("texts", "images")


def grid_points(experiment: MatchingExperiment) -> Iterator[Point]:
    """Yields the points of an experiment; those that share their features come one after the other."""
    lists = {
        "vision": experiment.vision,
        "text": experiment.text,
        "language": dict.fromkeys(experiment.languages or [""]),
        "captions": experiment.captions,
        "selection": experiment.selections,
        "stretch": experiment.stretches,
        "direction": experiment.directions,
        "base_size": experiment.base_sizes,
    }
    yield from (Point(*values) for values in product(*(lists[field.name] for field in fields(Point))))
