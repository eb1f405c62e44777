"""What a caption says, before any language says it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ligature.data.scenes.scene import Scene, SceneObject

Choice = TypeVar("Choice")

_DETAIL_RATES = {"colour": 0.95, "size": 0.5, "fill": 0.45, "place": 0.65}
_BACKGROUND_RATE = 0.65
_OMIT_RATE = 0.2


@dataclass(frozen=True)
class Mention:
    """One object of a caption and which of its attributes are said; the shape always is."""

    item: SceneObject
    colour: bool = False
    size: bool = False
    fill: bool = False
    place: bool = False


@dataclass(frozen=True)
class Plan:
    """The objects a caption mentions, and whether it mentions the background."""

    mentions: tuple[Mention, ...]
    background: str | None

    def without_places(self) -> "Plan":
        """Returns the plan with no place said, for sentences that say where objects stand to each other."""
        return replace(self, mentions=tuple(replace(mention, place=False) for mention in self.mentions))


def draw_plan(scene: Scene, rng: random.Random) -> Plan:
    """Returns a random, informative choice of what to say about a scene.

    One of three objects may be left out. A lone object has at least two details besides its shape, each of
    several at least one.
    """
    items = list(scene.objects)
    if len(items) == 3 and rng.random() < _OMIT_RATE:
        items.remove(rng.choice(items))
    if rng.random() < 0.5:
        rng.shuffle(items)
    least = 2 if len(items) == 1 else 1
    mentions = tuple(_draw_mention(item, least, rng) for item in items)
    return Plan(mentions, scene.background if rng.random() < _BACKGROUND_RATE else None)


def word_rng(scene: Scene, seed: int, purpose: str) -> random.Random:
    """Returns the randomness of one text: a function of the scene, a seed and the text's purpose."""
    return random.Random(f"{purpose}/{seed}/{scene.variation}/{scene.key}")


def pick(options: Sequence[Choice], rng: random.Random) -> Choice:
    """Returns one option; the first, most usual one as often as all others together."""
    return options[0] if rng.random() < 0.5 else rng.choice(options)


def say_background(words: Mapping[str, Sequence[str]], plan: Plan, rng: random.Random) -> str:
    """Returns words for the background of a plan, or nothing where the plan does not mention it."""
    return pick(words[plan.background], rng) if plan.background else ""


def spaced(*parts: str) -> str:
    """Returns the parts that are not empty, with a space between them."""
    return " ".join(part for part in parts if part)


def capitalised(text: str) -> str:
    """Returns ``text`` with a capital at its start."""
    return text[0].upper() + text[1:]


def enumerated(parts: Sequence[str], between: str, last: str) -> str:
    """Returns the parts as one list, with ``last`` before the last of them."""
    return last.join(part for part in (between.join(parts[:-1]), parts[-1]) if part)


def direction(one: SceneObject, other: SceneObject) -> tuple[int, int]:
    """Returns on which side of ``other`` ``one`` stands: -1 above, 1 below; -1 left, 1 right; 0 neither."""
    rows, columns = (a - b for a, b in zip(one.cell, other.cell, strict=True))
    return (rows > 0) - (rows < 0), (columns > 0) - (columns < 0)


def _draw_mention(item: SceneObject, least: int, rng: random.Random) -> Mention:
    details = {name: rng.random() < rate for name, rate in _DETAIL_RATES.items()}
    unsaid = [name for name, said in details.items() if not said]
    missing = max(least - (len(details) - len(unsaid)), 0)
    return Mention(item, **details | dict.fromkeys(unsaid[:missing], True))
