"""The published mode, in which every token is projected, from encoder to results."""

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_study import projection_values

from ligature.cli import data, evaluate, train
from ligature.cli.features import image_features, load_captioned, load_pairs, open_store, projector_config
from ligature.errors import EncoderError
from ligature.params import parse_study
from ligature.projection import Projector, RaggedTokens, project_images, project_texts
from ligature.store import Layout
from ligature.store.atomic import write_json

PAIR = ("vit-untrained", "bert-untrained")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    """A study in token mode, run from its encoders to its results; the pair is given."""
    folder = tmp_path_factory.mktemp("tokens")
    values = projection_values()
    values["train"].update(mode="tokens", epochs=4, warmup_steps=2)
    values["encoders"]["vision"][1]["pooling"] = "cls+mean"
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    where = {"params": file, "results": layout.results}
    data.world(**where)
    for name in PAIR:
        data.encoder(name, **where)
        for dataset in ("captions-train", "captions-val", "captions-test", "labels-val"):
            for part in range(layout.study.datasets[dataset].parts):
                data.embed(name, dataset, part, "tokens", **where)
        data.embed(name, "captions-val", 0, "pooled", **where)
    write_json(layout.pairs / "chosen.json", {"vision": PAIR[0], "text": PAIR[1]})
    train.train(**where)
    evaluate.evaluate(**where)
    return layout, file


def test_results_are_there_for_both_tasks(tokens):
    layout, _ = tokens
    table = pd.read_csv(layout.evaluation / "results.csv")
    assert {"retrieval", "classification", "gap"} <= set(table["task"])
    assert table["value"].notna().all()


def test_tokens_are_split_into_cls_and_patches(tokens):
    layout, _ = tokens
    store = open_store(layout, PAIR[0], "captions-val", "tokens")
    features = image_features(store)
    assert isinstance(features.local, RaggedTokens)
    counts = store.metadata()["tokens"].to_numpy()
    per_image = store.vectors().reshape(len(counts), counts[0], -1)
    np.testing.assert_array_equal(features.cls, per_image[:, 0])
    np.testing.assert_array_equal(features.local.pad(np.array([3]))[0][0], per_image[3, 1:])


def test_token_means_are_the_pooled_embeddings(tokens):
    layout, _ = tokens
    dense = load_captioned(layout, *PAIR, "captions-val", "tokens")
    pooled = load_captioned(layout, *PAIR, "captions-val", "pooled")
    padded, mask = dense.images.local.pad(np.arange(len(dense.images)))
    means = padded.astype(np.float32).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(means, pooled.images.local, atol=2e-3)
    padded, mask = dense.texts.pad(np.arange(len(dense.texts)))
    np.testing.assert_allclose(
        padded.astype(np.float32).sum(axis=1) / mask.sum(axis=1, keepdims=True), pooled.texts, atol=2e-3
    )


def test_data_sets_of_tokens_are_concatenated(tokens):
    layout, _ = tokens
    both = load_pairs(layout, *PAIR, ["captions-val", "captions-test"], "tokens")
    one = load_captioned(layout, *PAIR, "captions-test", "tokens")
    assert len(both.images) == 100
    np.testing.assert_array_equal(both.images.local.pad(np.array([60]))[0], one.images.local.pad(np.array([0]))[0])
    np.testing.assert_array_equal(both.texts.pad(np.array([300]))[0], one.texts.pad(np.array([0]))[0])


def test_linear_blocks_make_pooled_and_token_mode_agree(tokens):
    layout, _ = tokens
    dense = load_captioned(layout, *PAIR, "captions-val", "tokens")
    pooled = load_captioned(layout, *PAIR, "captions-val", "pooled")
    params = layout.study.train.projector.model_copy(
        update={"vision_local": "linear", "vision_cls": "linear", "text_local": "linear", "text_global": "identity"}
    )
    projector = Projector(projector_config(params, dense.images, dense.texts)).eval()
    np.testing.assert_allclose(
        project_images(projector, dense.images), project_images(projector, pooled.images), atol=5e-3
    )
    np.testing.assert_allclose(project_texts(projector, dense.texts), project_texts(projector, pooled.texts), atol=5e-3)


def test_a_bag_of_words_has_no_tokens(tokens):
    layout, file = tokens
    with pytest.raises(EncoderError, match=r"bag-of-words.*no token states"):
        data.embed("bag-of-words", "captions-val", 0, "tokens", params=file, results=layout.results)
