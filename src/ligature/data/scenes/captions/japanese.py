"""Japanese captions; modifiers carry their own connecting endings, so they stand together as they are."""

import random

from ligature.data.scenes.captions.plan import Mention, Plan, direction, enumerated, pick, say_background

SHAPES = {
    "circle": ("円", "丸"),
    "square": ("正方形", "四角"),
    "triangle": ("三角形", "三角"),
    "star": ("星", "星形"),
    "heart": ("ハート", "ハート形"),
    "cross": ("十字", "十字形"),
    "diamond": ("ひし形",),
    "pentagon": ("五角形",),
    "hexagon": ("六角形",),
    "ring": ("輪", "リング"),
    "crescent": ("三日月", "三日月形"),
    "arrow": ("矢印",),
}

COLOURS = {
    "red": ("赤い", "真っ赤な", "赤色の"),
    "orange": ("オレンジ色の", "橙色の"),
    "yellow": ("黄色い", "黄色の"),
    "green": ("緑色の", "緑の"),
    "blue": ("青い", "青色の"),
    "purple": ("紫色の", "紫の"),
    "pink": ("ピンク色の", "ピンクの", "桃色の"),
    "black": ("黒い", "真っ黒な"),
}

SIZES = {
    "small": ("小さな", "小さい"),
    "medium": ("中くらいの", "中くらいの大きさの"),
    "large": ("大きな", "大きい", "巨大な"),
}

FILLS = {
    "solid": ("塗りつぶされた", "無地の"),
    "outlined": ("縁取りのある", "中が淡い色の"),
    "striped": ("縞模様の", "ストライプ柄の"),
    "dotted": ("水玉模様の", "ドット柄の"),
}

PLACES = {
    "top left": ("左上", "左上の隅"),
    "top centre": ("上", "上の中央"),
    "top right": ("右上", "右上の隅"),
    "middle left": ("左", "左端"),
    "centre": ("中央", "真ん中"),
    "middle right": ("右", "右端"),
    "bottom left": ("左下", "左下の隅"),
    "bottom centre": ("下", "下の中央"),
    "bottom right": ("右下", "右下の隅"),
}

BACKGROUNDS = {
    "white": ("白い背景", "真っ白な背景"),
    "grey": ("灰色の背景", "グレーの背景"),
    "beige": ("ベージュの背景", "砂色の背景"),
    "pale blue": ("水色の背景", "淡い青の背景"),
    "pale green": ("薄緑の背景", "淡い緑の背景"),
    "night": ("紺色の背景", "夜空のような暗い背景"),
    "gradient": ("グラデーションの背景", "下に向かって暗くなる背景"),
    "spotlight": ("中央が明るく照らされた背景", "スポットライトの当たった背景"),
    "checkered": ("市松模様の背景", "チェッカー柄の背景"),
    "striped": ("横縞の背景", "横縞模様の背景"),
    "grid": ("方眼の背景", "格子線の背景"),
    "speckled": ("斑点のある背景", "ざらついた背景"),
}

_UPRIGHT = {-1: "上", 1: "下"}
_SIDEWAYS = {-1: "左", 1: "右"}


def realise_japanese(plan: Plan, rng: random.Random) -> str:
    """Returns one Japanese caption that says what ``plan`` asks for."""
    return rng.choice(_FRAMES)(plan, rng) + "。"


def japanese_phrase(mention: Mention, rng: random.Random) -> str:
    """Returns modifiers and noun of a mention, without its place."""
    item = mention.item
    words = [pick(SIZES[item.size], rng)] if mention.size else []
    words += [pick(FILLS[item.fill], rng)] if mention.fill else []
    words += [pick(COLOURS[item.colour], rng)] if mention.colour else []
    return "".join([*words, pick(SHAPES[item.shape], rng)])


def japanese_class_name(colour: str, shape: str) -> str:
    """Returns modifier and noun: ``赤い円``."""
    return COLOURS[colour][0] + SHAPES[shape][0]


def _placed(mention: Mention, rng: random.Random) -> str:
    place = f"{pick(PLACES[mention.item.place], rng)}にある" if mention.place else ""
    return place + japanese_phrase(mention, rng)


def _background(plan: Plan, rng: random.Random, ending: str) -> str:
    words = say_background(BACKGROUNDS, plan, rng)
    return words and words + ending


def _listed(plan: Plan, rng: random.Random) -> str:
    things = enumerated([_placed(mention, rng) for mention in plan.mentions], "と", "と")
    ending = rng.choice(("が描かれています", "があります", "が見えます"))
    return _background(plan, rng, "に、") + things + ending


def _titled(plan: Plan, rng: random.Random) -> str:
    things = enumerated([_placed(mention, rng) for mention in plan.mentions], "、", "と")
    return _background(plan, rng, "に描かれた、") + things


def _place_first(plan: Plan, rng: random.Random) -> str:
    parts = [f"{pick(PLACES[m.item.place], rng)}に{japanese_phrase(m, rng)}" for m in plan.mentions]
    return _background(plan, rng, "の") + "、".join(parts) + "があります"


def _related(plan: Plan, rng: random.Random) -> str:
    if len(plan.mentions) != 2:
        return _listed(plan, rng)
    one, other = plan.mentions
    rows, columns = direction(one.item, other.item)
    where = _SIDEWAYS.get(columns, "") + _UPRIGHT.get(rows, "")
    phrases = japanese_phrase(one, rng), japanese_phrase(other, rng)
    return f"{_background(plan, rng, 'で、')}{phrases[1]}の{where}に{phrases[0]}があります"


_FRAMES = (_listed, _titled, _place_first, _related)
