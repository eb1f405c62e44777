"""Long English descriptions: five or more sentences, a hundred or more words, all of them true of the scene."""

import itertools
import random

from ligature.data.scenes.captions import english_words as words
from ligature.data.scenes.captions.english import article, noun_phrase, relation
from ligature.data.scenes.captions.plan import Mention, capitalised, enumerated, pick, word_rng
from ligature.data.scenes.scene import Scene, SceneObject
from ligature.data.scenes.vocabulary import PLACES

MIN_WORDS = 100

_BACKDROPS = {
    "white": "Everything behind is plain white, like a fresh sheet of paper with nothing printed on it",
    "grey": "What lies behind is an even grey without any pattern, neither very light nor very dark",
    "beige": "The backdrop is a flat sandy beige, warm and even from one edge to the other",
    "pale blue": "The backdrop is a flat pale blue, the tone of a clear sky, without clouds or texture",
    "pale green": "The backdrop is a flat pale green, soft like mint, and the same everywhere",
    "night": "The backdrop is a dark midnight blue, so that whatever stands on it seems to glow",
    "gradient": "The backdrop is a smooth gradient that begins almost white at the top and darkens towards the bottom",
    "spotlight": "The backdrop looks lit by a lamp: bright around the middle and dim towards all four corners",
    "checkered": "The backdrop is a checkerboard in which light squares and slightly darker squares take turns",
    "striped": "The backdrop is made of broad horizontal stripes, in which two pale tones take turns",
    "grid": "The backdrop is a sheet of graph paper, ruled with thin lines that run both across and down",
    "speckled": "The backdrop is grainy, with many tiny specks scattered over a pale ground",
}

_OUTLINES = {
    "circle": "round all the way, without a single corner",
    "square": "bounded by four equal sides and four right angles",
    "triangle": "bounded by three straight sides, with one corner pointing up",
    "star": "made of five points around a common middle",
    "heart": "rounded in two lobes at its upper end and pointed at its lower end",
    "cross": "made of four short arms of equal length",
    "diamond": "taller than it is wide, with a sharp corner at either end",
    "pentagon": "bounded by five straight sides of equal length",
    "hexagon": "bounded by six straight sides of equal length",
    "ring": "round, with a hole through which the backdrop shows",
    "crescent": "curved like a thin moon, with its open side to the right",
    "arrow": "made of a straight shaft and a head that points to the right",
}

_EXTENTS = {
    "small": "measures only about a quarter of the picture from end to end",
    "medium": "measures about a third of the picture from end to end",
    "large": "measures nearly half of the picture from end to end",
}

_SURFACES = {
    "solid": "is filled with one flat colour that reaches from edge to edge",
    "outlined": "has a firm line along its border, while its inside is only faintly tinted",
    "striped": "is crossed by slanting stripes, strong and faint in turn",
    "dotted": "carries many light dots, spread evenly over its surface",
}


def long_description(scene: Scene, *, seed: int) -> str:
    """Returns a description of five or more sentences and at least ``MIN_WORDS`` words."""
    rng = word_rng(scene, seed, "long")
    names = {item: _name(item, rng) for item in scene.objects}
    sentences = [_opening(scene, rng), _BACKDROPS[scene.background]]
    sentences += [_stand(item, names[item], rng) for item in scene.objects]
    sentences += [_look(item, names[item], rng) for item in scene.objects]
    further = [_relation(one, other, names) for one, other in itertools.combinations(scene.objects, 2)]
    further += [f"{names[item]} is {_OUTLINES[item.shape]}" for item in scene.objects]
    further += [_empty_places(scene, rng), _edges(scene), _ending(scene)]
    rng.shuffle(further)
    while further and (len(" ".join(sentences).split()) < MIN_WORDS or rng.random() < 0.3):
        sentences.append(further.pop())
    return " ".join(capitalised(text) + "." for text in sentences)


def _name(item: SceneObject, rng: random.Random) -> str:
    return f"the {pick(words.COLOURS[item.colour], rng)} {pick(words.SHAPES[item.shape], rng)}"


def _opening(scene: Scene, rng: random.Random) -> str:
    mentions = [Mention(item, colour=True, size=True, fill=True) for item in scene.objects]
    things = enumerated([article(noun_phrase(mention, rng)) for mention in mentions], ", ", " and ")
    number = words.NUMBERS[len(mentions)]
    noun = "object" if len(mentions) == 1 else "objects"
    start = rng.choice(("this is a simple picture of", "the picture shows", "the image contains"))
    return f"{start} {number} {noun}: {things}"


def _stand(item: SceneObject, name: str, rng: random.Random) -> str:
    verb = rng.choice(("stands", "is found", "has its place", "can be seen"))
    return f"{name} {verb} {pick(words.PLACES[item.place], rng)} and {_EXTENTS[item.size]}"


def _look(item: SceneObject, name: str, rng: random.Random) -> str:
    opening = rng.choice(("seen closer, ", "as one notices at once, ", ""))
    return f"{opening}{name} {_SURFACES[item.fill]}"


def _relation(one: SceneObject, other: SceneObject, names: dict[SceneObject, str]) -> str:
    return f"seen from {names[other]}, {names[one]} is {relation(one, other).removesuffix(' of')}"


def _empty_places(scene: Scene, rng: random.Random) -> str:
    taken = {item.place for item in scene.objects}
    free = rng.sample([place for place in PLACES if place not in taken], 3)
    places = enumerated([words.BARE_PLACES[place] for place in free], ", ", " or ")
    return f"there is nothing {places}, where the backdrop is left bare"


def _edges(scene: Scene) -> str:
    whose = "its outline" if len(scene.objects) == 1 else "the outline of each object"
    return f"a thin white rim follows {whose} and sets it off cleanly from what lies behind"


def _ending(scene: Scene) -> str:
    if len(scene.objects) == 1:
        return "no second object appears anywhere, so that the eye goes straight to the only one"
    return "the objects keep apart from each other, and none of them covers another"
