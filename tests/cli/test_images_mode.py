"""Training on every token without a store of them, and on regions: real images, real encoders, real commands."""

import json

import numpy as np
import pytest
import torch
import yaml
from tiny_study import projection_values

from ligature.cli import data
from ligature.cli.features import load_captioned, load_pairs, projector_config
from ligature.encoders.on_the_fly import EncodedImages
from ligature.errors import EncoderError, ParamsError, StoreError
from ligature.params import parse_study
from ligature.projection import Projector, hash_pairs, project_images, select_pairs
from ligature.store import Layout
from ligature.store.manifest import MANIFEST_NAME

PAIR = ("vit-untrained", "bert-untrained")
VAL, TEST = "captions-val", "captions-test"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with tokens, regions and vectors of one data set; of another the texts alone are embedded."""
    folder = tmp_path_factory.mktemp("images-mode")
    values = projection_values()
    values["train"]["mode"] = "images"
    values["embed"] |= {"regions": 2, "image_batch": 16}
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    where = {"params": file, "results": layout.results}
    data.world(**where)
    for name in PAIR:
        data.encoder(name, **where)
    for part in range(layout.study.datasets[VAL].parts):
        for view in ("tokens", "regions", "pooled"):
            data.embed(PAIR[0], VAL, part, view, **where)
        for view in ("tokens", "pooled"):
            data.embed(PAIR[1], VAL, part, view, **where)
    for part in range(layout.study.datasets[TEST].parts):
        data.embed(PAIR[1], TEST, part, "tokens", **where)
    return layout, where


def test_images_encoded_in_training_are_those_of_the_token_store(study):
    layout, _ = study
    made, stored = (load_pairs(layout, *PAIR, [VAL], mode, validation=VAL) for mode in ("images", "tokens"))
    assert isinstance(made.images, EncodedImages)
    assert len(made.images) == len(stored.images)
    assert np.array_equal(made.image_of_text, stored.image_of_text)
    rows = np.array([5, 0, 17])
    one, other = made.images.collate(rows, CPU), stored.images.collate(rows, CPU)
    for key in ("cls", "local"):
        torch.testing.assert_close(one[key], other[key], rtol=2e-3, atol=2e-3)
    assert torch.equal(one["mask"], other["mask"])


def test_a_projector_sees_the_same_in_both_modes_and_branches_are_selected(study):
    layout, _ = study
    made, stored = (load_pairs(layout, *PAIR, [VAL], mode) for mode in ("images", "tokens"))
    config = projector_config(layout.study.train.projector, made.images, made.texts)
    assert config == projector_config(layout.study.train.projector, stored.images, stored.texts)
    projector = Projector(config).eval()
    rows = np.arange(12)
    np.testing.assert_allclose(
        project_images(projector, made.images.take(rows)),
        project_images(projector, stored.images.take(rows)),
        atol=5e-3,
    )
    assert len(select_pairs(config, made).images) == len(made.images)
    assert hash_pairs(made) == hash_pairs(load_pairs(layout, *PAIR, [VAL], "images")) != hash_pairs(stored)


def test_training_needs_no_image_store_and_sets_are_put_together(study):
    layout, _ = study
    both = load_pairs(layout, *PAIR, [VAL, TEST], "images")
    alone = load_pairs(layout, *PAIR, [TEST], "images")
    first = len(both.images) - len(alone.images)
    assert first == len(load_pairs(layout, *PAIR, [VAL], "images").images)
    one, other = both.images.collate(np.array([first]), CPU), alone.images.collate(np.array([0]), CPU)
    assert torch.equal(one["local"], other["local"])
    with pytest.raises(StoreError, match="missing; the store is not complete"):
        load_pairs(layout, *PAIR, [TEST], "tokens")


def test_another_precision_than_that_of_the_validation_store_is_refused(study):
    layout, _ = study
    with pytest.raises(StoreError, match=r"the encoder of training [^\n]* were not made by one encoder \(precision"):
        load_pairs(layout, *PAIR, [VAL], "images", validation=VAL, precision="bfloat16")


def test_images_that_changed_since_the_texts_were_embedded_are_refused(study):
    layout, _ = study
    path = layout.embedding_parts("images", PAIR[1], TEST)[0] / MANIFEST_NAME
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"items_hash": "other"}))
    try:
        with pytest.raises(StoreError, match=f"data set '{TEST}' has other images now; embed its texts again"):
            load_pairs(layout, *PAIR, [TEST], "images")
    finally:
        path.write_text(before)


def test_means_of_regions_are_the_pooled_patches_and_texts_are_pooled(study):
    layout, _ = study
    regions, pooled = (load_captioned(layout, *PAIR, VAL, mode) for mode in ("regions", "pooled"))
    assert set(regions.images.local.lengths) == {4}
    np.testing.assert_allclose(regions.images.local.means(), pooled.images.local, atol=2e-3)
    np.testing.assert_array_equal(regions.images.cls, pooled.images.cls)
    np.testing.assert_array_equal(regions.texts, pooled.texts)


def test_views_that_do_not_exist_are_refused(study):
    _, where = study
    with pytest.raises(ParamsError, match="--view images: use one of pooled, regions, tokens, tokens-int8"):
        data.embed(PAIR[0], VAL, 0, "images", **where)
    with pytest.raises(EncoderError, match="texts have no regions"):
        data.embed(PAIR[1], VAL, 0, "regions", **where)
