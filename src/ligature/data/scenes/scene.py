"""A scene: one to three objects on a background, as plain values."""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from ligature.data.scenes.vocabulary import COLOURS, PLACES, SHAPES


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object; every field is a word of ``ligature.data.scenes.vocabulary``."""

    shape: str
    colour: str
    size: str
    fill: str
    place: str

    @property
    def class_name(self) -> str:
        """Colour and shape, for example ``red star``."""
        return f"{self.colour} {self.shape}"

    @property
    def cell(self) -> tuple[int, int]:
        """Row and column in the three by three grid."""
        return PLACES[self.place]


@dataclass(frozen=True, slots=True)
class Scene:
    """One to three objects on a background.

    Attributes:
        objects: in reading order, no two in one place and no two of one class.
        background: a word of ``BACKGROUNDS``.
        variation: seed of the small differences (position, angle, exact hue, texture) between two
            pictures of one description.
    """

    objects: tuple[SceneObject, ...]
    background: str
    variation: int = 0

    @property
    def key(self) -> str:
        """The description without its variation, as one canonical string."""
        objects = sorted(self.objects, key=lambda item: item.cell)
        parts = [f"{o.shape}/{o.colour}/{o.size}/{o.fill}/{o.place}" for o in objects]
        return "|".join([self.background, *parts])

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of every object, in order."""
        return tuple(item.class_name for item in self.objects)

    def as_dict(self) -> dict[str, Any]:
        """Returns the scene as plain values."""
        return asdict(self) | {"objects": [asdict(item) for item in self.objects]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Scene":
        """Builds a scene from what ``as_dict`` returned."""
        objects = tuple(SceneObject(**item) for item in values["objects"])
        return cls(objects, values["background"], values["variation"])


@cache
def class_names() -> tuple[str, ...]:
    """Returns the colour and shape of every class, in the order of their ids."""
    return tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS)
