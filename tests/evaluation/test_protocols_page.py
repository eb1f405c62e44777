"""What the page on protocols says of data sets and metrics, held against the code."""

import re
from pathlib import Path

import numpy as np
import pytest

from ligature.data.benchmarks import READERS
from ligature.evaluation import modality_gap
from ligature.evaluation.benchmarks import benchmarks

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")


def rows_of_formats() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z-]+\d*`", line) and line.count("|") == 6]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [[name, *row[1:]] for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_format_of_a_benchmark_stands_in_the_table():
    assert {row[0] for row in rows_of_formats()} == {*READERS, "imagefolders"}


@pytest.mark.parametrize("row", [row for row in rows_of_formats() if row[0] in READERS], ids=lambda row: row[0])
def test_splits_and_sizes_are_those_of_the_registry(row):
    name, _, split, images, _ = row
    (metadata,) = [entry for entry in benchmarks() if entry.dataset.startswith(f"{name}:")]
    assert split.split(",")[0] == READERS[name][1][0] == metadata.splits[0]
    assert images in metadata.description


def test_every_measure_of_the_gap_is_explained():
    generator = np.random.default_rng(0)
    measures = modality_gap(generator.normal(size=(40, 8)), generator.normal(size=(40, 8)))
    section = PAGE.split("## Modality gap")[1].split("\n## ")[0]
    assert all(f"`{name}`" in section for name in measures)


def test_the_page_is_short_and_its_lines_fit():
    lines = PAGE.splitlines()
    assert len(lines) < 215
    assert all(len(line) <= 120 for line in lines if not line.startswith("|"))
