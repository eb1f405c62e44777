"""Real photographs opened through the study that names them."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ligature.data import open_dataset, read_mask, with_translations
from ligature.params import load_study
from ligature.params.texts import TranslationParams
from ligature.store import Layout

ROOT = Path(__file__).parents[2]
REALDATA = os.environ.get("LIGATURE_REALDATA")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not REALDATA, reason="set LIGATURE_REALDATA to the folder of real data"),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return Layout(load_study(ROOT / "studies/photos.yaml"), tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize(("name", "images"), [("coco", 159), ("coco-train", 80)])
def test_coco(photos, name, images):
    dataset = open_dataset(photos, name)
    assert len(dataset.images) == images
    assert all(Path(path).is_file() for path in dataset.images["path"])
    counts = dataset.texts["image_id"].value_counts()
    assert set(counts.index) == set(dataset.images["id"])
    assert counts.between(5, 7).all()
    assert dataset.texts["text"].str.len().between(15, 300).all()
    assert dataset.texts["text"].str.contains(r"\b(?:a|the|two|on|in|with)\b", case=False).mean() > 0.95


def test_flickr8k_halves(photos):
    halves = [open_dataset(photos, f"flickr-{part}") for part in ("train", "test")]
    assert [len(half.images) for half in halves] == [250, 250]
    assert not set(halves[0].images["id"]) & set(halves[1].images["id"])
    for half in halves:
        assert half.of_variant().texts["image_id"].value_counts().eq(5).all()
        assert half.skipped_texts == []
        assert all(Path(path).is_file() for path in half.images["path"])


def test_flickr8k_images_are_those_of_the_translations(photos):
    params = TranslationParams(
        format="jsonl", file=f"{REALDATA}/flickr8k/multilingual.jsonl", languages=["en", "de", "fr", "cs"]
    )
    own = [open_dataset(photos, f"flickr-{part}").of_variant() for part in ("train", "test")]
    halves = [with_translations(half, params, Path) for half in own]
    for language in params.languages:
        assert sum(len(half.of_variant(language).texts) for half in halves) == 460
    german = pd.concat([half.of_variant("de").texts["text"] for half in halves])
    assert german.str.contains(r"\b(?:ein|eine|einem|einen|und|zwei)\b", case=False).mean() > 0.8


def test_tiny_imagenet(photos):
    dataset = open_dataset(photos, "tiny-imagenet")
    assert len(dataset.class_names) == len(set(dataset.class_names)) == 200
    assert {"goldfish", "Egyptian cat"} <= set(dataset.class_names)
    assert dataset.images["label"].value_counts().eq(10).all()
    assert dataset.texts["variant"].value_counts().to_dict() == {"": 200 * 3, "single": 200, "eighty": 200 * 80}
    assert dataset.images["id"].is_unique


def test_masks_with_the_classes_of_voc(photos):
    paths = sorted((Path(REALDATA) / "coco/voc21_masks").glob("*.png"))
    assert len(paths) == 159
    found = set()
    for path in paths:
        mask = read_mask(path, classes=21)
        found |= set(np.unique(mask).tolist())
        split, _, stem = path.stem.partition("_")
        with Image.open(Path(REALDATA) / "coco" / split / f"{stem}.jpg") as photograph:
            assert mask.shape == (photograph.height, photograph.width)
    assert {0, 15} <= found <= {*range(21), 255}
