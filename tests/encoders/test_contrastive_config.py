"""The config of a contrastive model: what JSON keeps of it, and what is refused in one line."""

import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_contrastive import ALIKE, SHARED, TWO_TOWERS

from ligature.encoders.contrastive import ContrastiveConfig
from ligature.errors import ParamsError

PARTS = ("blocks", "norm", "projection")


def refused(change: dict, config: ContrastiveConfig = TWO_TOWERS) -> str:
    """Returns the error of a config with some values changed."""
    with pytest.raises(ParamsError) as error:
        ContrastiveConfig.from_dict(config.to_dict() | change)
    assert "\n" not in str(error.value)
    return str(error.value)


@settings(max_examples=25, deadline=None)
@given(
    shared=st.lists(st.sampled_from(PARTS), unique=True).map(lambda parts: tuple(p for p in PARTS if p in parts)),
    scale=st.floats(1, 100),
    learned=st.booleans(),
    bounds=st.none() | st.just((1.0, 100.0)),
    layer_scale=st.none() | st.floats(1e-6, 1),
    hashed=st.text(max_size=8),
)
def test_a_config_survives_json(shared, scale, learned, bounds, layer_scale, hashed):
    config = dataclasses.replace(
        ALIKE,
        shared=shared,
        logit_scale=scale,
        learn_logit_scale=learned,
        logit_scale_bounds=bounds,
        layer_scale=layer_scale,
        tokenizer_hash=hashed,
    )
    assert ContrastiveConfig.from_dict(json.loads(json.dumps(config.to_dict(), allow_nan=False))) == config


def test_published_settings_of_the_temperature_are_the_defaults():
    assert TWO_TOWERS.logit_scale == pytest.approx(1 / 0.07)
    assert TWO_TOWERS.learn_logit_scale
    assert TWO_TOWERS.logit_scale_bounds == (1.0, 100.0)
    assert (TWO_TOWERS.shared, TWO_TOWERS.layer_scale, TWO_TOWERS.tokenizer_hash) == ((), None, "")


def test_patches_cover_the_image():
    assert TWO_TOWERS.patches == 4
    assert dataclasses.replace(TWO_TOWERS, image_size=224, patch_size=16).patches == 196


def test_an_unknown_key_is_named():
    assert "unknown key 'text_projection'" in refused({"text_projection": 3})


@pytest.mark.parametrize("key", [field.name for field in dataclasses.fields(ContrastiveConfig)])
def test_a_missing_key_is_named_where_it_has_no_default(key):
    values = TWO_TOWERS.to_dict()
    del values[key]
    field = next(field for field in dataclasses.fields(ContrastiveConfig) if field.name == key)
    if field.default is dataclasses.MISSING:
        with pytest.raises(ParamsError, match=f"key '{key}' is missing"):
            ContrastiveConfig.from_dict(values)
    else:
        assert ContrastiveConfig.from_dict(values) == TWO_TOWERS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("width", 0),
        ("width", 16.0),
        ("width", "16"),
        ("width", True),
        ("width", None),
        ("width", 1 << 40),
        ("layers", 10**6),
        ("text_layers", 10**6),
        ("image_size", 1 << 20),
        ("context_length", 0),
        ("vocabulary_size", [30]),
        ("end_token", 30),
        ("end_token", -1),
        ("pad_token", 30),
        ("pad_token", "pad"),
        ("logit_scale", 0),
        ("logit_scale", -1.0),
        ("logit_scale", math.nan),
        ("logit_scale", math.inf),
        ("logit_scale", 10**400),
        ("logit_scale", "hot"),
        ("logit_scale", True),
        ("logit_scale_bounds", [1.0]),
        ("logit_scale_bounds", 3.0),
        ("logit_scale_bounds", [math.nan, 100.0]),
        ("logit_scale_bounds", [1.0, math.inf]),
        ("logit_scale_bounds", [100.0, 1.0]),
        ("learn_logit_scale", 1),
        ("layer_scale", 0.0),
        ("layer_scale", math.nan),
        ("tokenizer_hash", 7),
        ("shared", ["blocks", "blocks"]),
        ("shared", ["norm", "blocks"]),
        ("shared", ["stem"]),
        ("shared", "blocks"),
        ("shared", [["blocks"]]),
    ],
)
def test_an_impossible_value_is_named(key, value):
    assert key in refused({key: value}, ALIKE)


def test_a_long_value_does_not_make_a_long_line():
    assert len(refused({"width": "w" * 10_000})) < 200


def test_patches_and_heads_divide():
    assert refused({"patch_size": 5}) == "patch_size 5 does not divide image_size 16"
    assert refused({"heads": 3}) == "heads 3 does not divide width 16"
    assert refused({"text_heads": 5}) == "text_heads 5 does not divide text_width 24"


def test_a_learned_scale_starts_within_its_bounds_and_a_fixed_one_needs_none():
    assert "between" in refused({"logit_scale": 200.0})
    assert dataclasses.replace(TWO_TOWERS, logit_scale=200.0, learn_logit_scale=False).logit_scale == 200
    assert dataclasses.replace(TWO_TOWERS, logit_scale=200.0, logit_scale_bounds=None).logit_scale == 200


@pytest.mark.parametrize(
    ("part", "change", "key"),
    [
        ("blocks", {"text_width": 32}, "width"),
        ("blocks", {"text_layers": 3}, "layers"),
        ("blocks", {"text_heads": 4}, "heads"),
        ("norm", {"text_width": 32}, "width"),
        ("projection", {"text_width": 32}, "width"),
    ],
)
def test_towers_that_share_a_part_are_alike_in_it(part, change, key):
    assert f"shared {part} need one {key}" in refused(change | {"shared": [part]}, ALIKE)


@pytest.mark.parametrize("part", ["norm", "projection"])
def test_only_shared_blocks_ask_for_as_many_layers_and_heads(part):
    assert dataclasses.replace(ALIKE, text_layers=5, text_heads=4, shared=(part,)).shared == (part,)


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SHARED.width = 32
