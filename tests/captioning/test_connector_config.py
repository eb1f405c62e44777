import json

import pytest
from connector_references import SIZES, small_config

from ligature.captioning.connectors import ConnectorConfig
from ligature.errors import ParamsError
from ligature.params.captioning import ConnectorParams


def test_defaults_are_those_of_a_study():
    config = ConnectorConfig(kind="align", **SIZES)
    params = ConnectorParams(kind="align")
    assert {key: getattr(config, key) for key in ConnectorParams.model_fields} == params.model_dump()


def test_a_config_survives_json():
    for config in (small_config(), small_config("perceiver", grid=None), small_config(pruned=16, bias=True)):
        assert ConnectorConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("kind", "changes", "tokens"),
    [
        ("align", {}, 16),
        ("align", {"factor": 4}, 1),
        ("pixel-shuffle", {"factor": 2}, 4),
        ("perceiver", {"queries": 64, "heads": 2}, 64),
        ("h-reducer", {"reduction": 2}, 8),
        ("linear", {"grid": None, "tokens": 7}, 7),
    ],
)
def test_the_number_of_visual_tokens_is_known_beforehand(kind, changes, tokens):
    assert small_config(kind, **changes).output_tokens == tokens


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("mean", {}, "kind 'mean' is unknown: use one of align, linear"),
        ("align", {"pruned": 51}, "pruned is 51, but the language model has 50 tokens"),
        ("align", {"pruned": 0}, "pruned is 0"),
        ("linear", {"pruned": 5}, "pruned is 5: a connector of kind 'linear' mixes no"),
        ("align", {"vocabulary": True}, "vocabulary is True"),
        ("align", {"tokens": 16.0}, "tokens is 16.0"),
        ("align", {"bias": 1}, "bias is 1: it is true or false"),
        ("align", {"vocabulary_norm": None}, "vocabulary_norm is None"),
        ("align", {"factor": 3}, "4 x 4 tokens does not divide into blocks of 3 x 3"),
        ("align", {"factor": 2, "grid": None}, "needs an encoder with a grid"),
        ("align", {"grid": (4, 5)}, "grid 4 x 5 does not hold the 16 tokens"),
        ("align", {"grid": (16,)}, "it is the numbers of rows and columns"),
        ("align", {"grid": "44"}, "it is the numbers of rows and columns"),
        ("h-reducer", {"grid": None}, "needs an encoder with a grid"),
        ("h-reducer", {"reduction": 3}, "blocks of 1 x 3"),
        ("perceiver", {"heads": 3}, "heads is 3: it must divide the language model's width 8"),
        ("perceiver", {"queries": 0}, "queries is 0"),
        ("pixel-shuffle", {"factor": 1}, "needs a factor of 2 or more"),
        ("pixel-shuffle", {"bias": True}, "has no bias"),
        ("mlp", {"hidden": -1}, "hidden is -1"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(kind, changes, message):
    with pytest.raises(ParamsError, match=message) as caught:
        small_config(kind, **changes)
    assert "\n" not in str(caught.value)


def test_a_wide_grid_is_cut_by_rows_and_columns():
    config = small_config(tokens=8, grid=(2, 4), factor=2)
    assert (config.output_tokens, config.joined_width) == (2, 24)


def test_unknown_and_missing_keys_are_one_line():
    values = small_config().to_dict()
    with pytest.raises(ParamsError, match="unknown key 'colour'; known: affine_norm"):
        ConnectorConfig.from_dict(values | {"colour": 1})
    with pytest.raises(ParamsError, match="tokens is missing"):
        ConnectorConfig.from_dict({key: value for key, value in values.items() if key != "tokens"})
    with pytest.raises(ParamsError, match="grid is"):
        ConnectorConfig.from_dict(values | {"grid": {"rows": 4}})
    with pytest.raises(ParamsError, match="kind"):
        ConnectorConfig.from_dict(values | {"kind": ["align"]})
