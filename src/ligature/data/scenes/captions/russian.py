"""Russian captions; adjectives are declined by gender and case from their dictionary form."""

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
    "circle": (("круг", "круга", "кругом", "m"), ("диск", "диска", "диском", "m")),
    "square": (("квадрат", "квадрата", "квадратом", "m"),),
    "triangle": (("треугольник", "треугольника", "треугольником", "m"),),
    "star": (("звезда", "звезды", "звездой", "f"),),
    "heart": (("сердце", "сердца", "сердцем", "n"), ("сердечко", "сердечка", "сердечком", "n")),
    "cross": (("крест", "креста", "крестом", "m"), ("плюс", "плюса", "плюсом", "m")),
    "diamond": (("ромб", "ромба", "ромбом", "m"),),
    "pentagon": (("пятиугольник", "пятиугольника", "пятиугольником", "m"),),
    "hexagon": (("шестиугольник", "шестиугольника", "шестиугольником", "m"),),
    "ring": (("кольцо", "кольца", "кольцом", "n"),),
    "crescent": (("полумесяц", "полумесяца", "полумесяцем", "m"), ("месяц", "месяца", "месяцем", "m")),
    "arrow": (("стрелка", "стрелки", "стрелкой", "f"), ("указатель", "указателя", "указателем", "m")),
}
"""Nominative, genitive, instrumental, gender."""

COLOURS = {
    "red": ("красный", "алый", "ярко-красный"),
    "orange": ("оранжевый", "ярко-оранжевый"),
    "yellow": ("жёлтый", "лимонно-жёлтый", "золотистый"),
    "green": ("зелёный", "изумрудный"),
    "blue": ("синий", "ярко-синий"),
    "purple": ("фиолетовый", "лиловый"),
    "pink": ("розовый", "ярко-розовый"),
    "black": ("чёрный", "угольно-чёрный"),
}

SIZES = {
    "small": ("маленький", "небольшой", "крошечный"),
    "medium": ("среднего размера", "средней величины"),
    "large": ("большой", "крупный", "огромный"),
}
"""Dictionary form of an adjective; what holds a space stands unchanged behind the noun."""

FILLS = {
    "solid": ("закрашенный", "однотонный"),
    "outlined": ("контурный", "со светлой серединой"),
    "striped": ("полосатый", "в полоску"),
    "dotted": ("в горошек", "в крапинку"),
}
"""Dictionary form of an adjective; what holds a space stands unchanged behind the noun."""

PLACES = {
    "top left": ("в левом верхнем углу", "вверху слева"),
    "top centre": ("вверху посередине", "у верхнего края"),
    "top right": ("в правом верхнем углу", "вверху справа"),
    "middle left": ("слева", "у левого края"),
    "centre": ("в центре", "посередине"),
    "middle right": ("справа", "у правого края"),
    "bottom left": ("в левом нижнем углу", "внизу слева"),
    "bottom centre": ("внизу посередине", "у нижнего края"),
    "bottom right": ("в правом нижнем углу", "внизу справа"),
}

BACKGROUNDS = {
    "white": ("на белом фоне", "на чисто белом фоне"),
    "grey": ("на сером фоне", "на ровном сером фоне"),
    "beige": ("на бежевом фоне", "на песочном фоне"),
    "pale blue": ("на голубом фоне", "на бледно-голубом фоне"),
    "pale green": ("на бледно-зелёном фоне", "на салатовом фоне"),
    "night": ("на тёмно-синем фоне", "на тёмном фоне"),
    "gradient": ("на градиентном фоне", "на темнеющем книзу фоне"),
    "spotlight": ("в круге света", "на фоне с ярким пятном света"),
    "checkered": ("на шахматном фоне", "на фоне шахматной доски"),
    "striped": ("на полосатом фоне", "на фоне горизонтальных полос"),
    "grid": ("на листе в клетку", "на фоне тонкой сетки"),
    "speckled": ("на крапчатом фоне", "на зернистом фоне"),
}

_CASES = ("nominative", "genitive", "instrumental")
_ENDINGS = {
    "hard": {"m": ("ый", "ого", "ым"), "f": ("ая", "ой", "ой"), "n": ("ое", "ого", "ым")},
    "soft": {"m": ("ий", "его", "им"), "f": ("яя", "ей", "ей"), "n": ("ее", "его", "им")},
    "velar": {"m": ("ий", "ого", "им"), "f": ("ая", "ой", "ой"), "n": ("ое", "ого", "им")},
    "stressed": {"m": ("ой", "ого", "им"), "f": ("ая", "ой", "ой"), "n": ("ое", "ого", "им")},
}
_SHOWN = {"m": "изображён", "f": "изображена", "n": "изображено"}
_UPRIGHT = {-1: ("над", "instrumental", "выше"), 1: ("под", "instrumental", "ниже")}
_SIDEWAYS = {-1: ("слева от", "genitive", "левее"), 1: ("справа от", "genitive", "правее")}

_background = partial(say_background, BACKGROUNDS)


def decline(adjective: str, gender: str, case: str) -> str:
    """Returns an adjective, given as masculine nominative, in another gender and case.

    ``-ий`` is soft after ``н`` and velar otherwise; ``-ой`` stands here only after ``ш`` (``большой``).
    """
    stem, ending = adjective[:-2], adjective[-2:]
    kind = {"ый": "hard", "ой": "stressed", "ий": "soft" if stem[-1] == "н" else "velar"}[ending]
    return stem + _ENDINGS[kind][gender][_CASES.index(case)]


def realise_russian(plan: Plan, rng: random.Random) -> str:
    """Returns one Russian caption that says what ``plan`` asks for."""
    return capitalised(rng.choice(_FRAMES)(plan, rng)) + "."


def russian_phrase(mention: Mention, case: str, rng: random.Random) -> tuple[str, str]:
    """Returns adjectives, noun and place of a mention in the given case, and the gender of the noun."""
    item = mention.item
    *forms, gender = pick(SHAPES[item.shape], rng)
    words = [pick(SIZES[item.size], rng)] if mention.size else []
    words += [pick(FILLS[item.fill], rng)] if mention.fill else []
    words += [pick(COLOURS[item.colour], rng)] if mention.colour else []
    before = [decline(word, gender, case) for word in words if " " not in word]
    behind = [word for word in reversed(words) if " " in word]
    behind += [pick(PLACES[item.place], rng)] if mention.place else []
    return " ".join([*before, forms[_CASES.index(case)], *behind]), gender


def russian_class_name(colour: str, shape: str) -> str:
    """Returns adjective and noun in the nominative: ``зелёная звезда``."""
    noun, *_, gender = SHAPES[shape][0]
    return f"{decline(COLOURS[colour][0], gender, 'nominative')} {noun}"


def _phrases(plan: Plan, rng: random.Random) -> tuple[str, str]:
    """Returns all mentions in the nominative, and the verb form that agrees with them."""
    phrases = [russian_phrase(mention, "nominative", rng) for mention in plan.mentions]
    verb = _SHOWN[phrases[0][1]] if len(phrases) == 1 else "изображены"
    return enumerated([text for text, _ in phrases], ", ", " и "), verb


def _plain(plan: Plan, rng: random.Random) -> str:
    return spaced(_phrases(plan, rng)[0], _background(plan, rng))


def _showing(plan: Plan, rng: random.Random) -> str:
    things, verb = _phrases(plan, rng)
    opening = rng.choice(("на картинке", "на рисунке", "здесь"))
    return spaced(opening, verb, things, _background(plan, rng))


def _background_first(plan: Plan, rng: random.Random) -> str:
    things, verb = _phrases(plan, rng)
    return f"{_background(plan, rng) or 'на этой картинке'} {verb} {things}"


def _related(plan: Plan, rng: random.Random) -> str:
    if len(plan.mentions) != 2:
        return _plain(plan, rng)
    one, other = plan.without_places().mentions
    rows, columns = direction(one.item, other.item)
    if rows and columns:
        where, case = f"{_UPRIGHT[rows][2]} и {_SIDEWAYS[columns][2]}", "genitive"
    else:
        where, case, _ = _UPRIGHT[rows] if rows else _SIDEWAYS[columns]
    phrases = russian_phrase(one, "nominative", rng)[0], russian_phrase(other, case, rng)[0]
    return spaced(phrases[0], where, phrases[1], _background(plan, rng))


_FRAMES = (_plain, _showing, _background_first, _related)
