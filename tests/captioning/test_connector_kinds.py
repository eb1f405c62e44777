import pytest
import torch
from connector_references import (
    language_tables,
    reference_h_reducer,
    reference_perceiver,
    reference_shuffle,
    reference_softmax,
    small_config,
    small_connector,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from ligature.captioning.connectors import build_connector, make_connector, pixel_shuffle

KINDS = ["align", "linear", "mlp", "pixel-shuffle", "perceiver", "visual-table", "h-reducer"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_its_number_of_visual_tokens_and_trains_all_of_its_weights(kind):
    connector, features, embeddings = small_connector(kind)
    visual = connector(features.requires_grad_(), embeddings)
    assert visual.shape == (2, connector.config.output_tokens, 8)
    direction = torch.randn(visual.shape, dtype=visual.dtype)
    inputs = [features, *connector.parameters()]
    assert all(each.abs().max() > 0 for each in torch.autograd.grad((visual * direction).sum(), inputs))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_rebuilt_from_its_config_and_weights(kind):
    connector, features, embeddings = small_connector(kind, **({"pruned": 16} if kind == "align" else {}))
    again = build_connector(type(connector.config).from_dict(connector.config.to_dict())).double()
    again.load_state_dict(connector.state_dict())
    assert torch.equal(again(features, embeddings), connector(features, embeddings))


@pytest.mark.parametrize("kind", KINDS)
def test_views_do_not_depend_on_each_other(kind):
    connector, features, embeddings = small_connector(kind)
    torch.testing.assert_close(connector(features[1:], embeddings), connector(features, embeddings)[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(kind):
    config = small_config(kind)
    embeddings, head = language_tables(config)
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(make_connector(config, embeddings=embeddings, head=head).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize("kind", KINDS)
def test_only_mixtures_have_an_entropy(kind):
    connector, features, _ = small_connector(kind)
    assert (connector.entropy(features) is not None) == (kind in ("align", "visual-table"))


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 3), columns=st.integers(1, 3), factor=st.integers(1, 4), width=st.integers(1, 3))
def test_pixel_shuffle_joins_squares_row_by_row(rows, columns, factor, width):
    grid = rows * factor, columns * factor
    features = torch.randn(2, grid[0] * grid[1], width)
    assert torch.equal(pixel_shuffle(features, grid, factor), reference_shuffle(features, grid, factor))


@pytest.mark.parametrize("factor", [2, 4])
def test_pixel_shuffle_has_the_order_of_channels_of_smolvlm(factor):
    from transformers.models.smolvlm.modeling_smolvlm import SmolVLMConnector

    features = torch.randn(3, 64, 5)
    wanted = SmolVLMConnector.pixel_shuffle(None, features, factor)
    assert torch.equal(pixel_shuffle(features, (8, 8), factor), wanted)


def test_pixel_shuffle_and_one_map_without_bias_are_the_connector_of_smolvlm():
    connector, features, embeddings = small_connector("pixel-shuffle")
    wanted = reference_shuffle(features, (4, 4), 2) @ connector.map.weight.T
    torch.testing.assert_close(connector(features, embeddings), wanted)
    assert connector.count_parameters() == 4 * 6 * 8


@pytest.mark.parametrize("factor", [1, 2])
def test_linear_is_one_map_with_or_without_bias(factor):
    for bias in (True, False):
        connector, features, embeddings = small_connector("linear", factor=factor, bias=bias)
        wanted = reference_shuffle(features, (4, 4), factor) @ connector.map.weight.T
        torch.testing.assert_close(connector(features, embeddings), wanted + connector.map.bias if bias else wanted)


@pytest.mark.parametrize("hidden", [None, 5])
def test_mlp_is_two_maps_with_a_gelu_between(hidden):
    connector, features, embeddings = small_connector("mlp", hidden=hidden)
    inner, _, outer = connector.map
    wanted = functional.gelu(features @ inner.weight.T + inner.bias) @ outer.weight.T + outer.bias
    torch.testing.assert_close(connector(features, embeddings), wanted)
    assert len(inner.weight) == (hidden or 8)


@pytest.mark.parametrize("table", [None, 7])
def test_the_visual_table_mixes_rows_of_its_own_table(table):
    connector, features, embeddings = small_connector("visual-table", table=table, factor=2)
    weights = reference_softmax(reference_shuffle(features, (4, 4), 2) @ connector.to_table.weight.T)
    torch.testing.assert_close(connector(features, embeddings), weights @ connector.table)
    torch.testing.assert_close(connector.entropy(features), -(weights * weights.log()).sum(dim=-1))
    assert connector.table.shape == (table or 50, 8)


def test_the_visual_table_starts_with_the_scale_of_the_embeddings():
    config = small_config("visual-table", table=4000)
    embeddings, head = language_tables(config)
    table = make_connector(config, embeddings=3 + 10 * embeddings, head=head).table
    assert table.std().item() == pytest.approx(0.5, rel=0.1)
    assert table.mean().item() == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize(("grid", "reduction"), [((4, 4), 4), ((4, 4), 2), ((2, 8), 4), ((16, 1), 1)])
def test_h_reducer_joins_neighbours_of_a_row(grid, reduction):
    connector, features, embeddings = small_connector("h-reducer", grid=grid, reduction=reduction)
    assert connector.config.output_tokens == 16 // reduction
    torch.testing.assert_close(connector(features, embeddings), reference_h_reducer(connector, features))


@pytest.mark.parametrize("changes", [{}, {"layers": 1, "heads": 1, "queries": 1}, {"layers": 3, "heads": 4}])
def test_the_perceiver_is_flamingos_resampler(changes):
    connector, features, embeddings = small_connector("perceiver", **changes)
    torch.testing.assert_close(connector(features, embeddings), reference_perceiver(connector, features))


def test_the_perceiver_gives_as_many_visual_tokens_as_queries_whatever_the_grid():
    connector, features, embeddings = small_connector("perceiver", grid=None, queries=5)
    assert connector(features, embeddings).shape == (2, 5, 8)
    order = torch.randperm(16)
    torch.testing.assert_close(connector(features[:, order], embeddings), connector(features, embeddings))
