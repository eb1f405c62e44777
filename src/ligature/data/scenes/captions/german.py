"""German captions; adjectives are declined after ``ein`` by gender and case."""

import random
from functools import partial

from ligature.data.scenes.captions.plan import (
    Mention,
    Plan,
    capitalised,
    direction,
    enumerated,
    pick,
    say_background,
    spaced,
)

SHAPES = {
    "circle": (("Kreis", "m"), ("Kreisscheibe", "f")),
    "square": (("Quadrat", "n"), ("Kästchen", "n")),
    "triangle": (("Dreieck", "n"),),
    "star": (("Stern", "m"),),
    "heart": (("Herz", "n"),),
    "cross": (("Kreuz", "n"), ("Pluszeichen", "n")),
    "diamond": (("Raute", "f"), ("Rhombus", "m")),
    "pentagon": (("Fünfeck", "n"), ("Pentagon", "n")),
    "hexagon": (("Sechseck", "n"), ("Hexagon", "n")),
    "ring": (("Ring", "m"), ("Kringel", "m")),
    "crescent": (("Mondsichel", "f"), ("Halbmond", "m")),
    "arrow": (("Pfeil", "m"),),
}
"""Noun and gender."""

COLOURS = {
    "red": ("rot", "knallrot", "scharlachrot"),
    "orange": ("orangefarben", "leuchtend orangefarben"),
    "yellow": ("gelb", "goldgelb", "zitronengelb"),
    "green": ("grün", "smaragdgrün", "grasgrün"),
    "blue": ("blau", "kobaltblau", "königsblau"),
    "purple": ("violett", "lilafarben"),
    "pink": ("rosafarben", "pinkfarben"),
    "black": ("schwarz", "pechschwarz", "tiefschwarz"),
}

SIZES = {"small": ("klein", "winzig"), "medium": ("mittelgroß",), "large": ("groß", "riesig")}

FILLS = {
    "solid": ("einfarbig", "ausgefüllt"),
    "outlined": ("umrandet", "hell gefüllt"),
    "striped": ("gestreift", "schräg gestreift"),
    "dotted": ("gepunktet", "getupft"),
}

PLACES = {
    "top left": ("oben links", "in der linken oberen Ecke"),
    "top centre": ("oben in der Mitte", "am oberen Rand"),
    "top right": ("oben rechts", "in der rechten oberen Ecke"),
    "middle left": ("links", "am linken Rand"),
    "centre": ("in der Mitte", "im Zentrum"),
    "middle right": ("rechts", "am rechten Rand"),
    "bottom left": ("unten links", "in der linken unteren Ecke"),
    "bottom centre": ("unten in der Mitte", "am unteren Rand"),
    "bottom right": ("unten rechts", "in der rechten unteren Ecke"),
}

BACKGROUNDS = {
    "white": ("auf weißem Hintergrund", "vor reinem Weiß"),
    "grey": ("auf grauem Hintergrund", "vor schlichtem Grau"),
    "beige": ("auf beigefarbenem Hintergrund", "vor sandfarbenem Hintergrund"),
    "pale blue": ("auf hellblauem Hintergrund", "vor himmelblauem Hintergrund"),
    "pale green": ("auf hellgrünem Hintergrund", "vor zartgrünem Hintergrund"),
    "night": ("auf dunkelblauem Hintergrund", "vor nachtblauem Hintergrund"),
    "gradient": ("vor einem Farbverlauf", "vor einem nach unten dunkler werdenden Hintergrund"),
    "spotlight": ("im Lichtkegel", "vor einem hellen Lichtfleck"),
    "checkered": ("vor einem Schachbrettmuster", "auf schachbrettartigem Hintergrund"),
    "striped": ("auf quer gestreiftem Hintergrund", "vor waagerechten Streifen"),
    "grid": ("auf Karopapier", "vor einem Gitter aus dünnen Linien"),
    "speckled": ("auf gesprenkeltem Hintergrund", "vor einem Hintergrund voller Sprenkel"),
}

_ARTICLES = {
    "nominative": {"m": "ein", "f": "eine", "n": "ein"},
    "accusative": {"m": "einen", "f": "eine", "n": "ein"},
    "dative": {"m": "einem", "f": "einer", "n": "einem"},
}
_ENDINGS = {
    "nominative": {"m": "er", "f": "e", "n": "es"},
    "accusative": {"m": "en", "f": "e", "n": "es"},
    "dative": {"m": "en", "f": "en", "n": "en"},
}
_UPRIGHT = {-1: "über", 1: "unter"}
_SIDEWAYS = {-1: "links", 1: "rechts"}
_DIAGONAL = {-1: "oberhalb", 1: "unterhalb"}

_background = partial(say_background, BACKGROUNDS)


def realise_german(plan: Plan, rng: random.Random) -> str:
    """Returns one German caption that says what ``plan`` asks for."""
    return capitalised(rng.choice(_FRAMES)(plan, rng)) + "."


def german_phrase(mention: Mention, case: str, rng: random.Random) -> str:
    """Returns article, adjectives, noun and place of a mention in the given case."""
    item = mention.item
    noun, gender = pick(SHAPES[item.shape], rng)
    stems = [pick(SIZES[item.size], rng)] if mention.size else []
    stems += [pick(FILLS[item.fill], rng)] if mention.fill else []
    stems += [pick(COLOURS[item.colour], rng)] if mention.colour else []
    words = [_ARTICLES[case][gender], *(stem + _ENDINGS[case][gender] for stem in stems)]
    words.append("Herzen" if noun == "Herz" and case == "dative" else noun)
    return " ".join(words + ([pick(PLACES[item.place], rng)] if mention.place else []))


def german_class_name(colour: str, shape: str) -> str:
    """Returns adjective and noun in the nominative, as they follow ``ein``: ``roter Kreis``."""
    noun, gender = SHAPES[shape][0]
    return f"{COLOURS[colour][0]}{_ENDINGS['nominative'][gender]} {noun}"


def _phrases(plan: Plan, case: str, rng: random.Random) -> str:
    return enumerated([german_phrase(mention, case, rng) for mention in plan.mentions], ", ", " und ")


def _plain(plan: Plan, rng: random.Random) -> str:
    return spaced(_phrases(plan, "nominative", rng), _background(plan, rng))


def _showing(plan: Plan, rng: random.Random) -> str:
    opening = rng.choice(("das Bild zeigt", "man sieht", "hier sieht man"))
    return spaced(opening, _phrases(plan, "accusative", rng), _background(plan, rng))


def _background_first(plan: Plan, rng: random.Random) -> str:
    opening = _background(plan, rng) or rng.choice(("im Bild", "auf dem Bild"))
    verb = "ist" if len(plan.mentions) == 1 else "sind"
    return f"{opening} {verb} {_phrases(plan, 'nominative', rng)} zu sehen"


def _related(plan: Plan, rng: random.Random) -> str:
    if len(plan.mentions) != 2:
        return _plain(plan, rng)
    one, other = plan.without_places().mentions
    rows, columns = direction(one.item, other.item)
    if rows and columns:
        where = f"{_SIDEWAYS[columns]} {_DIAGONAL[rows]} von"
    else:
        where = _UPRIGHT[rows] if rows else f"{_SIDEWAYS[columns]} von"
    phrases = german_phrase(one, "nominative", rng), german_phrase(other, "dative", rng)
    return spaced(phrases[0], where, phrases[1], _background(plan, rng))


_FRAMES = (_plain, _showing, _background_first, _related)
