"""French captions; adjectives agree in gender, sizes stand before the noun and colours behind it."""

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
    "circle": (("cercle", "m"), ("disque", "m"), ("rond", "m")),
    "square": (("carré", "m"),),
    "triangle": (("triangle", "m"),),
    "star": (("étoile", "f"),),
    "heart": (("cœur", "m"),),
    "cross": (("croix", "f"),),
    "diamond": (("losange", "m"),),
    "pentagon": (("pentagone", "m"),),
    "hexagon": (("hexagone", "m"),),
    "ring": (("anneau", "m"),),
    "crescent": (("croissant", "m"), ("croissant de lune", "m")),
    "arrow": (("flèche", "f"),),
}
"""Noun and gender."""

COLOURS = {
    "red": (("rouge", "rouge"), ("rouge vif", "rouge vif"), ("écarlate", "écarlate")),
    "orange": (("orange", "orange"), ("orangé", "orangée")),
    "yellow": (("jaune", "jaune"), ("jaune citron", "jaune citron"), ("jaune d'or", "jaune d'or")),
    "green": (("vert", "verte"), ("vert émeraude", "vert émeraude")),
    "blue": (("bleu", "bleue"), ("bleu roi", "bleu roi"), ("bleu cobalt", "bleu cobalt")),
    "purple": (("violet", "violette"), ("pourpre", "pourpre")),
    "pink": (("rose", "rose"), ("rose bonbon", "rose bonbon")),
    "black": (("noir", "noire"), ("noir de jais", "noir de jais")),
}
"""Masculine and feminine form."""

SIZES = {
    "small": (("petit", "petite"), ("minuscule", "minuscule")),
    "large": (("grand", "grande"), ("gros", "grosse"), ("énorme", "énorme")),
}
"""Masculine and feminine form; the medium size is said behind the noun."""

MEDIUM = ("de taille moyenne", "de moyenne grandeur")

FILLS = {
    "solid": (("uni", "unie"), ("plein", "pleine")),
    "outlined": (("à l'intérieur pâle", "à l'intérieur pâle"), ("cerné d'un trait", "cernée d'un trait")),
    "striped": (("rayé", "rayée"), ("à rayures", "à rayures")),
    "dotted": (("à pois", "à pois"), ("tacheté", "tachetée")),
}
"""Masculine and feminine form."""

PLACES = {
    "top left": ("en haut à gauche", "dans le coin supérieur gauche"),
    "top centre": ("en haut au milieu", "près du bord supérieur"),
    "top right": ("en haut à droite", "dans le coin supérieur droit"),
    "middle left": ("à gauche", "près du bord gauche"),
    "centre": ("au centre", "au milieu"),
    "middle right": ("à droite", "près du bord droit"),
    "bottom left": ("en bas à gauche", "dans le coin inférieur gauche"),
    "bottom centre": ("en bas au milieu", "près du bord inférieur"),
    "bottom right": ("en bas à droite", "dans le coin inférieur droit"),
}

BACKGROUNDS = {
    "white": ("sur fond blanc", "sur un fond tout blanc"),
    "grey": ("sur fond gris", "sur un fond gris uni"),
    "beige": ("sur fond beige", "sur un fond couleur sable"),
    "pale blue": ("sur fond bleu clair", "sur un fond bleu ciel"),
    "pale green": ("sur fond vert clair", "sur un fond vert menthe"),
    "night": ("sur fond bleu nuit", "sur un fond sombre"),
    "gradient": ("sur un fond en dégradé", "sur un fond qui s'assombrit vers le bas"),
    "spotlight": ("dans un halo de lumière", "sur un fond éclairé au centre"),
    "checkered": ("sur un damier", "sur un fond à damier"),
    "striped": ("sur un fond à rayures horizontales", "sur fond rayé"),
    "grid": ("sur du papier quadrillé", "sur un fond quadrillé"),
    "speckled": ("sur un fond moucheté", "sur un fond granuleux"),
}

_UPRIGHT = {-1: "au-dessus", 1: "en dessous"}
_SIDEWAYS = {-1: "à gauche", 1: "à droite"}

_background = partial(say_background, BACKGROUNDS)


def realise_french(plan: Plan, rng: random.Random) -> str:
    """Returns one French caption that says what ``plan`` asks for."""
    return capitalised(rng.choice(_FRAMES)(plan, rng)) + "."


def french_phrase(mention: Mention, rng: random.Random) -> str:
    """Returns article, adjectives, noun and place of a mention."""
    item = mention.item
    noun, gender = pick(SHAPES[item.shape], rng)
    form = "mf".index(gender)
    words = [("un", "une")[form]]
    if mention.size and item.size != "medium":
        words.append(pick(SIZES[item.size], rng)[form])
    words.append(noun)
    if mention.colour:
        words.append(pick(COLOURS[item.colour], rng)[form])
    if mention.fill:
        words.append(pick(FILLS[item.fill], rng)[form])
    if mention.size and item.size == "medium":
        words.append(pick(MEDIUM, rng))
    return " ".join(words + ([pick(PLACES[item.place], rng)] if mention.place else []))


def french_class_name(colour: str, shape: str) -> str:
    """Returns noun and adjective, which agree in gender: ``étoile verte``."""
    noun, gender = SHAPES[shape][0]
    return f"{noun} {COLOURS[colour][0]['mf'.index(gender)]}"


def _phrases(plan: Plan, rng: random.Random) -> str:
    return enumerated([french_phrase(mention, rng) for mention in plan.mentions], ", ", " et ")


def _plain(plan: Plan, rng: random.Random) -> str:
    return spaced(_phrases(plan, rng), _background(plan, rng))


def _showing(plan: Plan, rng: random.Random) -> str:
    opening = rng.choice(("il y a", "l'image montre", "on voit", "ce dessin représente"))
    return spaced(opening, _phrases(plan, rng), _background(plan, rng))


def _background_first(plan: Plan, rng: random.Random) -> str:
    opening = _background(plan, rng) or rng.choice(("dans cette image", "sur ce dessin"))
    return f"{opening}, on voit {_phrases(plan, rng)}"


def _related(plan: Plan, rng: random.Random) -> str:
    if len(plan.mentions) != 2:
        return _plain(plan, rng)
    one, other = plan.without_places().mentions
    rows, columns = direction(one.item, other.item)
    where = " et ".join(([_UPRIGHT[rows]] if rows else []) + ([_SIDEWAYS[columns]] if columns else []))
    return spaced(french_phrase(one, rng), where, f"d'{french_phrase(other, rng)}", _background(plan, rng))


_FRAMES = (_plain, _showing, _background_first, _related)
