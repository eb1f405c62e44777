"""English captions: varied in words, order and detail."""

import random

from ligature.data.scenes.captions import english_words as words
from ligature.data.scenes.captions.plan import (
    Mention,
    Plan,
    capitalised,
    direction,
    draw_plan,
    enumerated,
    pick,
    say_background,
    word_rng,
)
from ligature.data.scenes.scene import Scene, SceneObject

_UPRIGHT = {-1: "above", 1: "below"}
_SIDEWAYS = {-1: "to the left of", 1: "to the right of"}


def english_captions(scene: Scene, *, seed: int, count: int = 5) -> tuple[str, ...]:
    """Returns ``count`` different captions of a scene, at most one for each way of building a sentence."""
    rng = word_rng(scene, seed, "english")
    frames = rng.sample(_FRAMES, count)
    return tuple(frame(draw_plan(scene, rng), rng) for frame in frames)


def realise_english(plan: Plan, rng: random.Random) -> str:
    """Returns one English caption that says what ``plan`` asks for."""
    return rng.choice(_FRAMES[:3])(plan, rng)


def article(noun_phrase: str) -> str:
    """Returns a noun phrase with ``a`` or ``an`` before it."""
    return f"{'an' if noun_phrase[0] in 'aeiou' else 'a'} {noun_phrase}"


def relation(one: SceneObject, other: SceneObject) -> str:
    """Returns where ``one`` stands as seen from ``other``, as a preposition."""
    rows, columns = direction(one, other)
    parts = ([_UPRIGHT[rows]] if rows else []) + ([_SIDEWAYS[columns]] if columns else [])
    return " and ".join(parts)


def noun_phrase(mention: Mention, rng: random.Random) -> str:
    """Returns adjectives and noun of a mention, without article and place."""
    item, tail, before = mention.item, "", []
    if mention.size:
        before.append(pick(words.SIZES[item.size], rng))
    if mention.fill and rng.random() < 0.35:
        tail = f" {pick(words.FILL_TAILS[item.fill], rng)}"
    elif mention.fill:
        before.append(pick(words.FILLS[item.fill], rng))
    if mention.colour:
        before.append(pick(words.COLOURS[item.colour], rng))
    return " ".join([*before, pick(words.SHAPES[item.shape], rng)]) + tail


def _sentence(text: str) -> str:
    return capitalised(text) + "."


def _thing(mention: Mention, rng: random.Random) -> str:
    place = f" {pick(words.PLACES[mention.item.place], rng)}" if mention.place else ""
    return article(noun_phrase(mention, rng)) + place


def _things(plan: Plan, rng: random.Random) -> str:
    return enumerated([_thing(mention, rng) for mention in plan.mentions], ", ", " and ")


def _background(plan: Plan, rng: random.Random, before: str = " ") -> str:
    background = say_background(words.BACKGROUNDS, plan, rng)
    return background and before + background


def _plain(plan: Plan, rng: random.Random) -> str:
    return _sentence(_things(plan, rng) + _background(plan, rng))


def _existence(plan: Plan, rng: random.Random) -> str:
    opening = rng.choice(("there is", "here is", "I see", "someone has drawn"))
    return _sentence(f"{opening} {_things(plan, rng)}{_background(plan, rng)}")


def _showing(plan: Plan, rng: random.Random) -> str:
    opening = rng.choice(("the picture shows", "this image has", "a drawing of", "a simple picture of"))
    return _sentence(f"{opening} {_things(plan, rng)}{_background(plan, rng, ', ')}")


def _background_first(plan: Plan, rng: random.Random) -> str:
    opening = _background(plan, rng, "") or rng.choice(("in this scene", "in the picture"))
    return _sentence(f"{opening} {rng.choice(('there is', 'you can see', 'one finds'))} {_things(plan, rng)}")


def _place_first(plan: Plan, rng: random.Random) -> str:
    parts = [
        f"{pick(words.PLACES[mention.item.place], rng)} {article(noun_phrase(mention, rng))}"
        for mention in plan.mentions
    ]
    return _sentence("; ".join(parts) + _background(plan, rng, ", all " if len(parts) > 1 else ", "))


def _telegraphic(plan: Plan, rng: random.Random) -> str:
    parts = [noun_phrase(mention, rng) for mention in plan.mentions]
    places = [f" {mention.item.place}" if mention.place else "" for mention in plan.mentions]
    backdrop = _background(plan, rng, ", ")
    return ", ".join(part + place for part, place in zip(parts, places, strict=True)) + backdrop


def _predicate(plan: Plan, rng: random.Random) -> str:
    parts = []
    for mention in plan.mentions:
        place = pick(words.PLACES[mention.item.place], rng)
        verb = rng.choice(("stands", "is", "lies", "has been put"))
        parts.append(f"{article(noun_phrase(mention, rng))} {verb} {place}")
    return _sentence(enumerated(parts, ", ", " and ") + _background(plan, rng, ", "))


def _clauses(plan: Plan, rng: random.Random) -> str:
    parts = []
    for mention in plan.mentions:
        item = mention.item
        said = [(mention.size, words.SIZES[item.size]), (mention.colour, words.COLOURS[item.colour])]
        said.append((mention.fill, words.FILLS[item.fill]))
        qualities = [pick(options, rng) for wanted, options in said if wanted]
        clause = f" that is {enumerated(qualities, ', ', ' and ')}" if qualities else ""
        place = f", {pick(words.PLACES[item.place], rng)}" if mention.place else ""
        parts.append(article(pick(words.SHAPES[item.shape], rng)) + clause + place)
    return _sentence("; ".join(parts) + _background(plan, rng, ", "))


def _related(plan: Plan, rng: random.Random) -> str:
    first, *others = plan.mentions
    if not others:
        opening = rng.choice(("just", "nothing but", "a single thing:"))
        return _sentence(f"{opening} {_thing(first, rng)}{_background(plan, rng)}")
    parts = [f"{relation(first.item, other.item)} {article(noun_phrase(other, rng))}" for other in others]
    return _sentence(f"{article(noun_phrase(first, rng))} {' and '.join(parts)}{_background(plan, rng, ', ')}")


_FRAMES = (
    _plain,
    _existence,
    _showing,
    _background_first,
    _place_first,
    _telegraphic,
    _predicate,
    _clauses,
    _related,
)
