"""Captions as web pages give them: a few that describe the picture, and all the noise around and instead of them."""

import random
from collections.abc import Callable

from ligature.data.scenes.captions import LANGUAGES, english_captions, translations
from ligature.data.scenes.captions import english_words as words
from ligature.data.scenes.captions.english import noun_phrase
from ligature.data.scenes.captions.plan import Mention, pick
from ligature.data.scenes.scene import Scene, SceneObject

ENDLESS_LENGTH = 100_000

SOUND = ("short", "full", "cut", "shop")
"""Kinds whose captions describe their picture in readable English."""

_NOUNS = ("icon", "clipart", "sticker", "drawing", "logo", "symbol", "vector", "sign", "print")

_SHOP = (
    "{0} Wallpaper HD 1920x1080 | free download",
    "Buy {0} online - only ${1}.99",
    "{0} Poster Print A{2} | PaperShop",
    "{1} Best {0} Vectors & Clipart - Stock Photo #{3}",
    "{0} T-Shirt Unisex [SALE {1}% OFF]",
    "Vintage {0} (pack of {2}) FREE SHIPPING",
    "{0} - {3} royalty-free images, photos & pictures",
    "Item No. {3}: {0}, wholesale, MOQ {1} pcs",
)

_MARKUP = (
    "<p>{0}</p>",
    "<b>{0}</b><br/>read more &raquo;",
    '<a href="http://shop.example/?id=3&amp;ref=alt">{0}</a>',
    '<img src="thumb.jpg" alt="{0}"/>',
    "{0} &ndash; &quot;best&nbsp;of&quot;",
    "<script>track('alt')</script> {0}",
)

_FILE_NAMES = ("IMG_{:04d}.jpg", "DSC{:05d}.JPG", "image{}.png", "Screenshot_2019-03-{:02d}.png", "{:08d}_n.jpg")

_BOILERPLATE = (
    "image",
    "photo",
    "click here",
    "click to enlarge",
    "untitled",
    "null",
    "Loading...",
    "read more",
    "Share on social media",
    "no image available",
    "thumbnail",
    "advertisement",
)


def alt_text(kind: str, scene: Scene, item: SceneObject, rng: random.Random) -> str | None:
    """Returns a caption of one kind of ``ALT_TEXTS``, or an ``endless`` one, for the object a scene is about."""
    return _KINDS[kind](scene, item, rng)


def full_caption(scene: Scene, rng: random.Random) -> str:
    """Returns one whole English caption."""
    return english_captions(scene, seed=rng.getrandbits(31), count=1)[0]


def respelled(text: str, rng: random.Random) -> str:
    """Returns a caption that differs from ``text`` in case and punctuation alone."""
    return rng.choice([other for other in (text.upper(), text.lower(), f"{text}!", f'"{text}"') if other != text])


def _short(scene: Scene, item: SceneObject, rng: random.Random) -> str:
    return _subject(item, rng) + (f" {pick(words.BACKGROUNDS[scene.background], rng)}" if rng.random() < 0.5 else "")


def _subject(item: SceneObject, rng: random.Random) -> str:
    mention = Mention(item, colour=True, size=rng.random() < 0.3, fill=rng.random() < 0.3)
    return noun_phrase(mention, rng) + (f" {rng.choice(_NOUNS)}" if rng.random() < 0.3 else "")


def _full(scene: Scene, _: SceneObject, rng: random.Random) -> str:
    return full_caption(scene, rng)


def _cut(scene: Scene, _: SceneObject, rng: random.Random) -> str:
    text = full_caption(scene, rng)
    return text[: rng.randint(len(text) // 2, len(text) * 4 // 5)] + rng.choice(("", "...", "…"))


def _shop(_: Scene, item: SceneObject, rng: random.Random) -> str:
    numbers = rng.randint(2, 99), rng.randint(1, 9), rng.randint(10_000, 9_999_999)
    return rng.choice(_SHOP).format(_subject(item, rng).title(), *numbers)


def _capitals(scene: Scene, item: SceneObject, rng: random.Random) -> str:
    return rng.choice((_short, _full))(scene, item, rng).upper()


def _markup(scene: Scene, item: SceneObject, rng: random.Random) -> str:
    return rng.choice(_MARKUP).format(_short(scene, item, rng))


def _spacing(scene: Scene, item: SceneObject, rng: random.Random) -> str:
    first, *others = _short(scene, item, rng).split()
    return first + "".join(rng.choice(("\n", "\t", "\r\n", "   ")) + word for word in others)


def _foreign(scene: Scene, _: SceneObject, rng: random.Random) -> str:
    return translations(scene, seed=rng.getrandbits(31))[rng.choice(LANGUAGES[1:])]


def _file_name(_: Scene, __: SceneObject, rng: random.Random) -> str:
    return rng.choice(_FILE_NAMES).format(rng.randint(1, 28))


def _boilerplate(_: Scene, __: SceneObject, rng: random.Random) -> str:
    return rng.choice(_BOILERPLATE)


def _null(_: Scene, __: SceneObject, ___: random.Random) -> None:
    return None


def _endless(scene: Scene, item: SceneObject, rng: random.Random) -> str:
    text = _shop(scene, item, rng) + " "
    return text * (ENDLESS_LENGTH // len(text) + 1)


_KINDS: dict[str, Callable[[Scene, SceneObject, random.Random], str | None]] = {
    "short": _short,
    "full": _full,
    "cut": _cut,
    "shop": _shop,
    "capitals": _capitals,
    "markup": _markup,
    "spacing": _spacing,
    "foreign": _foreign,
    "wrong": _short,
    "file_name": _file_name,
    "boilerplate": _boilerplate,
    "null": _null,
    "endless": _endless,
}
