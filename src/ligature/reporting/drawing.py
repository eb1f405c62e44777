"""What every figure shares: style, colours, and files that are the same bytes for the same inputs."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ligature.store.atomic import replacing, write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODALITY_COLOURS = {"image": "#0072B2", "text": "#D55E00"}
DIRECTION_COLOURS = {"i2t": MODALITY_COLOURS["image"], "t2i": MODALITY_COLOURS["text"]}
INK = "#222222"
DPI = 200


@dataclass(frozen=True)
class Drawing:
    """A figure and the numbers it is drawn from.

    Attributes:
        name: stem of its files.
        title: a few words.
        caption: what is to be seen, one or two sentences.
        data: the numbers, written beside the figure.
        canvas: the figure itself.
    """

    name: str
    title: str
    caption: str
    data: pd.DataFrame
    canvas: "Figure"

    @property
    def width(self) -> int:
        """Width on the page in CSS pixels, 96 an inch."""
        return round(96 * self.canvas.get_figwidth())

    def save(self, folder: Path) -> bytes:
        """Writes ``name`` as png, svg and csv into ``folder`` and returns the bytes of the png."""
        with figure_style():
            picture = io.BytesIO()
            self.canvas.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
            self.canvas.set_layout_engine("none")  # the svg keeps the layout of the png
            with replacing(folder / f"{self.name}.svg") as path:
                self.canvas.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        with replacing(folder / f"{self.name}.png") as path:
            path.write_bytes(picture.getvalue())
        write_csv(folder / f"{self.name}.csv", self.data)
        return picture.getvalue()


@contextmanager
def figure_style() -> Iterator[None]:
    """Sets the style of figures, and what makes their bytes repeatable; also used as a decorator."""
    import matplotlib
    import seaborn

    own = {
        "svg.hashsalt": "ligature",
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
        "axes.titleweight": "bold",
        "axes.titlesize": 10,
        "axes.labelsize": 9,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.5,
        "legend.title_fontsize": 8.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": "#dddddd",
    }
    with matplotlib.rc_context(seaborn.axes_style("whitegrid") | seaborn.plotting_context("paper") | own):
        yield


def new_axes(width: float, height: float) -> "Axes":
    """Returns the axes of a new figure of ``width`` x ``height`` inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").subplots()
