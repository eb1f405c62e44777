"""A folder of pictures with captions of a user's own, in which bright cells of a picture are words of its caption."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
import yaml
from PIL import Image
from tiny_study import NO_CURATION, light_values
from typer.testing import CliRunner

CELLS = (2, 4)
WORDS = ["apple", "bridge", "cloud", "dog", "engine", "flower", "guitar", "house"]
PAIR = ["--vision", "pixels", "--text", "bag-of-words"]


@dataclass(frozen=True)
class Own:
    """Pictures, captions and anchors on disk.

    Attributes:
        folder: of all files.
        captions: caption of every picture, by its name from the folder ``photos``.
        anchors: names of the pictures that are anchors, in the order of the csv.
    """

    folder: Path
    captions: dict[str, str]
    anchors: list[str]

    @property
    def others(self) -> list[str]:
        """Pictures that are no anchors, sorted."""
        return sorted(set(self.captions) - set(self.anchors))

    @property
    def paths(self) -> list[Path]:
        """What `ligature match` takes."""
        return [self.folder / "photos", self.folder / "captions.txt", "--anchors", self.folder / "pairs.csv"]

    @property
    def where(self) -> list:
        """Study and results."""
        return ["--params", self.folder / "params.yaml", "--results", self.folder / "results"]

    def write_lines(self, lines: list[str]) -> None:
        """Writes the captions to be matched."""
        (self.folder / "captions.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def write_pairs(self, rows: list[tuple[str, str]], header: tuple[str, str] = ("image", "caption")) -> None:
        """Writes the csv of anchors."""
        with (self.folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])


def write_own(folder: Path, count: int = 40, anchors: int = 24, seed: int = 0) -> Own:
    """Writes pictures, half of them in a folder of their own, a study with two encoders, and captions shuffled."""
    (folder / "photos" / "inner").mkdir(parents=True)
    codes = np.random.default_rng(seed).permutation(2 ** len(WORDS))[:count]
    bright = (codes[:, None] >> np.arange(len(WORDS))) & 1
    captions = {}
    for number, cells in enumerate(bright):
        name = f"{'inner/' if number % 2 else ''}{number:03d}.png"
        pixels = np.kron(cells.reshape(CELLS), np.ones((8, 4))).astype(np.uint8) * 255
        Image.fromarray(pixels).convert("RGB").save(folder / "photos" / name)
        captions[name] = " ".join(word for word, cell in zip(WORDS, cells, strict=True) if cell) or "nothing"
    names = list(captions)
    own = Own(folder, captions, names[:anchors])
    own.write_pairs([(name, captions[name]) for name in own.anchors])
    own.write_lines([captions[name] for name in reversed(own.others)])
    (folder / "params.yaml").write_text(yaml.safe_dump(light_values() | NO_CURATION), encoding="utf-8")
    return own


def run(verb, *arguments) -> str:
    """Returns what a verb printed to standard output; what it raised is raised."""
    app = typer.Typer()
    app.command()(verb)
    outcome = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout
