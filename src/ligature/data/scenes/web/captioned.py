"""The captioned sources: CC3M-like, CC12M-like and SBU-like lists of captions and urls."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ligature.data.scenes.sampling import generator
from ligature.data.scenes.scene import Scene
from ligature.data.scenes.web.alttext import full_caption
from ligature.data.scenes.web.drawing import SceneDraw
from ligature.data.scenes.web.publishing import Publisher
from ligature.data.scenes.web.shares import CAPTIONED
from ligature.store.atomic import write_json, write_text

_NOISE = (
    "{0} - stock photo",
    "<PERSON> drew this: {0}",
    "{0} (photo by <PERSON>)",
    "Picture of the day: {0}",
    "{0} | gallery {1}",
    "{0}, {1} of 99",
)
_NOISE_RATE = 0.4

_FIRST_PERSON = (
    "My new picture: {}",
    "I drew this myself: {}",
    "{}, as I saw it this morning",
    "This is what hangs in our kitchen: {}",
    "{}, seen from my window",
    "The first thing I made with my new crayons, {}",
    "{}, my favourite so far",
)

Rows = Sequence[tuple[str, str]]


def captioned_rows(
    source: str, count: int, *, seed: int, draw_scene: SceneDraw, publisher: Publisher
) -> Iterator[tuple[str, str]]:
    """Yields url and caption of every row of ``cc3m``, ``cc12m`` or ``sbu``."""
    for index in range(count):
        rng = random.Random(f"web/{source}/{seed}/{index}")
        scene, _ = draw_scene(generator(seed, f"web/{source}", index), rng)
        url, _ = publisher.publish(scene, CAPTIONED, rng)
        yield url, _CAPTIONS[source](scene, rng)


def write_captioned(folder: Path, source: str, rows: Rows) -> None:
    """Writes the rows of a source in its own format: ``cc3m.tsv``, ``cc12m.tsv`` or ``sbu.json``."""
    if source == "cc3m":
        write_text(folder / "cc3m.tsv", "".join(f"{caption}\t{url}\n" for url, caption in rows))
    elif source == "cc12m":
        write_text(folder / "cc12m.tsv", "".join(f"{url}\t{caption}\n" for url, caption in rows))
    else:
        urls, captions = [url for url, _ in rows], [caption for _, caption in rows]
        write_json(folder / "sbu.json", {"image_urls": urls, "captions": captions})


def _noisy_caption(scene: Scene, rng: random.Random) -> str:
    text = full_caption(scene, rng)
    if rng.random() < _NOISE_RATE:
        return rng.choice(_NOISE).format(text.removesuffix("."), rng.randint(2, 98))
    return text.lower() if rng.random() < 0.3 else text


def _first_person_caption(scene: Scene, rng: random.Random) -> str:
    text = full_caption(scene, rng).removesuffix(".")
    template = rng.choice(_FIRST_PERSON)
    opens = template.startswith("{}") or text.startswith("I ")
    return template.format(text if opens else text[0].lower() + text[1:]) + rng.choice((".", "", "!"))


_CAPTIONS: dict[str, Callable[[Scene, random.Random], str]] = {
    "cc3m": full_caption,
    "cc12m": _noisy_caption,
    "sbu": _first_person_caption,
}

SOURCES = tuple(_CAPTIONS)
