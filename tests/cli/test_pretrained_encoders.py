"""A pair that a study pre-trained, used by name wherever a study names encoders."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from tiny_pair import SIDE, WIDTH, save_tiny_pair

from ligature.cli import data, pairs, pool, scoring
from ligature.cli.aligned import Aligned
from ligature.cli.matching import verbs
from ligature.curation import Prototypes, TopK
from ligature.data import open_dataset
from ligature.data.images import read_image
from ligature.encoders.contrastive import load_pair, resize_and_crop, to_pixels
from ligature.params import parse_study
from ligature.store import EmbeddingStore, Layout

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"
VISION, TEXT = "alignclip-vision", "alignclip-text"
MATCHING = {
    "base": "captions-val",
    "query": "captions-test",
    "vision": [VISION],
    "text": [TEXT],
    "methods": ["relative"],
    "base_sizes": [20],
    "queries": 10,
    "base_draws": 1,
    "query_draws": 1,
}


def small_values() -> dict:
    """The tiny study with a smaller world, whose pair discovery, scorer and matching name the pre-trained pair."""
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["world"] |= {"coco": {"train": 20, "val": 30, "test": 20}, "voc": {"val": 1}, "shifted": {"test": 1}}
    values["world"]["web"] = {"laion": 100, "parts": 2, "cc3m": 10, "cc12m": 1, "sbu": 1}
    values["pairs"] |= {"choose": None, "vision": ["pixels", VISION], "text": ["bag-of-words", TEXT]}
    values["curate"]["scorer"] = {"vision": VISION, "text": TEXT}
    values["pretraining"] |= {"mix": None, "datasets": ["captions-train"]}
    values["curate"]["decontaminate"]["cosine"] = None
    values["matching"] = {"samples": 1, "experiments": {"own": MATCHING}}
    return values


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Layout of a study whose world is rendered and whose pre-training has run, and the arguments of its verbs."""
    folder = tmp_path_factory.mktemp("pretrained")
    values, file = small_values(), folder / "params.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    layout, where = (
        Layout(parse_study(values, "test"), folder / "results"),
        {"params": file, "results": folder / "results"},
    )
    save_tiny_pair(layout.pretrained("alignclip", 0) / "model", context_length=120)
    data.world(**where)
    for encoder in (VISION, TEXT):
        for dataset in ("captions-val", "captions-test"):
            data.embed(encoder, dataset, 0, "pooled", **where)
    return layout, where


def test_as_a_baseline_its_features_are_those_of_the_pair(study):
    layout, _ = study
    pair, dataset = load_pair(layout.pretrained("alignclip", 0) / "model"), open_dataset(layout, "captions-test")
    joint = Aligned.baseline(layout, layout.study.evaluate.baselines[0]).captioned("captions-test")
    seen = [np.asarray(resize_and_crop(read_image(path)[0], SIDE)) for path in dataset.images["path"]]
    with torch.no_grad():
        images = pair.model.encode_image(to_pixels(np.stack(seen)))
        texts = pair.model.encode_text(pair.tokenizer.encode(joint.data.captions))
    np.testing.assert_allclose(joint.images, images, atol=2e-3)
    np.testing.assert_allclose(joint.texts, texts, atol=2e-3)
    assert joint.images.std(axis=0).min() > 0.001
    assert joint.texts.std(axis=0).min() > 0.01


def test_pair_discovery_compares_it_with_the_other_encoders(study):
    layout, where = study
    for encoder in ("pixels", "bag-of-words"):
        data.embed(encoder, "captions-val", 0, "pooled", **where)
    pairs.compare(**where)
    table = pd.read_csv(layout.pairs / "similarity.csv")
    compared = set(table[["vision", "text"]].itertuples(index=False, name=None))
    assert compared == {(vision, text) for vision in ("pixels", VISION) for text in ("bag-of-words", TEXT)}


def test_it_scores_captions_against_its_own_prototypes(study):
    layout, where = study
    data.embed(VISION, "labels-train", 0, "pooled", **where)
    for part in range(4):
        pool.pool("laion", part, **where)
    pool.pool("cc3m", 0, **where)
    pool.dedupe(**where)
    data.embed(TEXT, "laion", 0, "pooled", **where)
    scoring.prototypes(**where)
    scoring.score("laion", 0, **where)
    built = Prototypes.load(layout.curation)
    assert built.vectors.shape[1] == WIDTH
    assert built.provenance["encoders"] == {"vision": VISION, "text": TEXT, "projector": None}
    state, _ = TopK.load(layout.top_k(0, 0))
    vectors = np.asarray(EmbeddingStore.open(layout.embeddings("pooled", TEXT, "laion", 0)).vectors(), np.float64)
    best = np.max(vectors @ built.vectors.T / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert state.scores.max() == pytest.approx(best, abs=1e-4)


def test_matching_takes_it_by_name(study):
    layout, where = study
    verbs.match_experiment("own", **where)
    assert list((layout.matching / "own").rglob("*.csv"))
