"""Pictures with words on their patches: the tokens that visual tokens are nearest to, or are mixed of."""

import math
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from ligature.data.images import read_image
from ligature.reporting.captioning.examples import common_images, shown_rows, shown_runs
from ligature.reporting.captioning.runs import pairs_label
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.drawing import INK, Drawing, figure_style
from ligature.reporting.text import bounded, number, shortened, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_IMAGES = 3
MOST_RUNS = 6
MOST_WORDS = 1500
"""Words of a figure at most: with a fine grid fewer runs have a panel."""
MOST_PATCHES = 32
"""Patches of a side at most; a finer grid leaves no room for words."""
MOST_CHARACTERS = 10
LARGEST, SMALLEST = 8.0, 4.5
"""Sizes of words in points; one that does not fit at the smallest is cut."""
CELL_INCHES = 0.5
WIDTH_INCHES = 11.2
MOST_COLUMNS = 3
PIXELS = 512
"""Longest side of a photograph under words."""
BLANK, UNKNOWN = "␣", "□"


@figure_style()
def patch_figures(inputs: CaptioningInputs) -> list[Drawing]:
    """Returns a figure an image, a panel a run: the photograph with a word on every patch.

    A token of ALIGN is the one with the highest probability, of other connectors that with the highest cosine.
    """
    rows = inputs.words[inputs.words[["rows", "columns"]].max(axis=1) <= MOST_PATCHES]
    rows = shown_rows(rows, inputs.runs)
    if rows.empty:
        return []
    patches = int((rows["rows"] * rows["columns"]).max())
    runs = shown_runs(rows, inputs.runs, min(MOST_RUNS, max(1, MOST_WORDS // patches)))
    rows = rows[rows["run"].isin(runs["run"])]
    return [_figure(group, runs, place) for place, group in enumerate(common_images(rows, MOST_IMAGES), start=1)]


def _figure(rows: pd.DataFrame, runs: pd.DataFrame, place: int) -> Drawing:
    first = rows.iloc[0]
    runs = runs[runs["run"].isin(rows["run"])]
    figure, panels = _grid(rows, len(runs))
    picture = photograph(first["path"])
    for axes, (_, run) in zip(panels, runs.iterrows(), strict=False):
        _panel(axes, rows[rows["run"] == run["run"]], run, picture)
    name = bounded(first["image_id"], 40)
    return Drawing(
        name=f"captioning-words-{place}-{slug(str(first['image_id']))}",
        title=f"Words on patches, {name}",
        caption=f"{bounded(first['dataset'], 40)}, trained on {pairs_label(first['pairs'])}, one seed. Under ALIGN the "
        "likeliest token of a patch's mixture, else the token of the nearest embedding by cosine; the bar under a word "
        "is its weight against the highest of the panel. The grid lies over the whole picture: where an encoder cuts "
        "off the margins, it is off towards them.",
        data=rows.drop(columns="path"),
        canvas=figure,
    )


def _grid(rows: pd.DataFrame, count: int) -> tuple["Figure", list["Axes"]]:
    """Returns a figure with a square panel a run, with as much room for a patch as the page has."""
    from matplotlib.figure import Figure

    widest = CELL_INCHES * rows["columns"].max() + 0.2
    columns = max(1, min(MOST_COLUMNS, count, int(WIDTH_INCHES / widest)))
    side = min(max(widest, 3.0), WIDTH_INCHES / columns)
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(side * columns, (side + 0.45) * lines), layout="constrained")
    panels = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in panels[count:]:
        axes.set_visible(False)
    figure.draw_without_rendering()  # lays the panels out, so that their sizes are known
    return figure, panels


def photograph(path: str):
    """Returns the pixels [h, w, 3] of a photograph, made small; None where it cannot be read."""
    import numpy as np

    try:
        image = read_image(path)[0]
    except (OSError, ValueError):
        return None
    image.thumbnail((PIXELS, PIXELS))
    return np.asarray(image)


def _panel(axes: "Axes", rows: pd.DataFrame, run: pd.Series, picture) -> None:
    height, width = int(rows["rows"].max()), int(rows["columns"].max())
    if picture is not None:
        axes.imshow(picture, extent=(0, width, height, 0), aspect="auto", alpha=0.45)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], box_aspect=1)
    axes.hlines(range(1, height), 0, width, color="#999999", linewidth=0.4)
    axes.vlines(range(1, width), 0, height, color="#999999", linewidth=0.4)
    cell = 72 * axes.get_position().width * axes.figure.get_figwidth() / width
    for row in rows.itertuples():
        text, size = fitted(row.token, round(0.92 * cell, 1))
        axes.text(row.column + 0.5, row.row + 0.5, text, size=size, ha="center", va="center", color="black")
    highest = rows["weight"].max()
    share = (rows["weight"] / highest if highest > 0 else 0 * rows["weight"]).clip(lower=0)
    axes.hlines(rows["row"] + 0.86, rows["column"] + 0.1, rows["column"] + 0.1 + 0.8 * share, color=INK, linewidth=1.3)
    what = "probability" if run["kind"] == "align" else "cosine"
    axes.set_title(f"{shortened(run['label'], 34)}\n{what} up to {number(highest, 3)}", fontsize=8.5)


@lru_cache(maxsize=4096)
def fitted(token: str, points: float) -> tuple[str, float]:
    """Returns a token as it is written, and the size in points at which it is at most ``points`` wide.

    Characters that the font does not have, and marks that change the direction of a text, become a square.
    """
    text = drawable(token)
    while len(text) > 1 and LARGEST * points / _width(text) < SMALLEST:
        text = f"{text.removesuffix('…')[:-1]}…" if len(text) > 2 else text[:1]
    return text, min(LARGEST, LARGEST * points / _width(text))


def drawable(token: str) -> str:
    """Returns a token as one short line of characters that the font of the figures has."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    text = bounded(token, MOST_CHARACTERS) or BLANK
    return "".join(one if font.get_char_index(ord(one)) and _is_plain(one) else UNKNOWN for one in text)


def _is_plain(character: str) -> bool:
    return unicodedata.bidirectional(character) not in ("R", "AL", "RLE", "RLO", "RLI", "LRO", "LRE", "LRI")


def _width(text: str) -> float:
    """Returns the width in points of a text at the largest size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    box = TextPath((0, 0), text, size=LARGEST, prop=FontProperties(family="DejaVu Sans"), usetex=False).get_extents()
    return max(float(box.width), 1.0)
