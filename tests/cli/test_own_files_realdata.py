"""Real photographs and captions, matched and searched by a few known pairs."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_files_inputs import Own, run

from ligature.cli.own_files.index import index
from ligature.cli.own_files.match import match
from ligature.cli.own_files.search import search

PHOTOS = Path(__file__).parents[2] / "studies" / "photos.yaml"
PAIR = ["--vision", "resnet18", "--text", "minilm"]
COUNT, ANCHORS = 60, 40

pytestmark = [
    pytest.mark.slow,
    pytest.mark.realdata,
    pytest.mark.skipif("LIGATURE_REALDATA" not in os.environ, reason="LIGATURE_REALDATA is not set"),
]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Photographs of Flickr8k, of which two thirds are anchors with all their captions."""
    folder, source = tmp_path_factory.mktemp("own"), Path(os.environ["LIGATURE_REALDATA"]) / "flickr8k"
    with (source / "captions.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["image"], row["caption"].strip()) for row in csv.DictReader(file)]
    names = sorted({name for name, _ in rows if (source / "images" / name).is_file()})
    names = [names[row] for row in np.random.default_rng(0).permutation(len(names))[:COUNT]]
    (folder / "photos").mkdir()
    for name in names:
        shutil.copy(source / "images" / name, folder / "photos" / name)
    own = Own(folder, dict(reversed([row for row in rows if row[0] in names])), names[:ANCHORS])
    own.write_pairs([row for row in dict.fromkeys(rows) if row[0] in own.anchors])
    own.write_lines([own.captions[name] for name in np.random.default_rng(1).permutation(own.others)])
    return own


def test_far_more_photographs_are_matched_than_by_chance(own):
    study = ["--params", PHOTOS, "--results", own.folder / "results"]
    printed = run(match, *own.paths, *PAIR, *study, "--output", own.folder / "matches.csv")
    table = pd.read_csv(own.folder / "matches.csv")
    chance = 1 / (COUNT - ANCHORS)
    assert (table["caption"] == table["image"].map(own.captions)).mean() > 4 * chance
    assert f"of {ANCHORS} matched correctly, chance {2 / ANCHORS:.0%}".replace("%", " %") in printed


def test_photographs_are_found_by_words(own):
    study = ["--params", PHOTOS, "--results", own.folder / "results"]
    run(index, own.paths[0], "--output", own.folder / "index", *own.paths[2:], *PAIR, *study)
    queries = [own.captions[name] for name in own.others]
    lines = run(search, own.folder / "index", *queries, "-k", 10, *study).splitlines()
    hits = [line.split("\t")[::2] for line in lines]
    assert np.mean([[own.captions[name], name] in hits for name in own.others]) > 2 * 10 / COUNT
