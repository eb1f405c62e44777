import math

import pytest
import torch
from connector_references import language_tables, reference_align_weights, small_config, small_connector
from torch import nn

from ligature.captioning.connectors import AlignConnector, check_kept, make_connector
from ligature.errors import DataError, ParamsError

DEPARTURES = [
    {},
    {"factor": 2},
    {"vocabulary_norm": False},
    {"affine_norm": False},
    {"bias": True},
    {"head_init": False},
    {"head_init": False, "vocabulary_norm": False, "affine_norm": False, "bias": True, "factor": 4},
]


def disturb(connector):
    """Moves every weight, so that gains are not one and biases not zero."""
    with torch.no_grad():
        for parameter in connector.parameters():
            parameter += 0.3 * torch.randn_like(parameter)


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("changes", DEPARTURES)
def test_visual_tokens_and_entropy_are_those_of_the_formula(changes, streamed):
    connector, features, embeddings = small_connector(**changes)
    disturb(connector)
    connector.streamed = streamed
    weights = reference_align_weights(connector, features)
    torch.testing.assert_close(connector(features, embeddings), weights @ embeddings, atol=1e-10, rtol=0)
    torch.testing.assert_close(connector.entropy(features), -(weights * weights.log()).sum(dim=-1))


def test_the_streamed_form_is_the_default_and_has_the_gradients_of_the_plain_one():
    connector, features, embeddings = small_connector(factor=2, bias=True)
    disturb(connector)
    assert connector.streamed
    inputs = [features.requires_grad_(), embeddings.requires_grad_(), *connector.parameters()]
    found = {}
    for connector.streamed in (True, False):
        found[connector.streamed] = torch.autograd.grad(connector(features, embeddings).square().sum(), inputs)
    assert len(inputs) == 9
    for one, other in zip(found[True], found[False], strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-9)
        assert one.abs().max() > 0


def test_w2_starts_as_a_copy_of_the_head_even_where_head_and_table_are_one():
    config = small_config()
    table = nn.Parameter(language_tables(config)[0].float())
    connector = make_connector(config, embeddings=table, head=table)
    assert torch.equal(connector.to_vocabulary, table)
    connector(torch.randn(2, 16, 6), table).sum().backward()
    assert table.grad is not None
    with torch.no_grad():
        connector.to_vocabulary += 1
    assert not torch.equal(connector.to_vocabulary, table)
    assert sum(parameter.data_ptr() == table.data_ptr() for parameter in connector.parameters()) == 0


def test_a_random_w2_has_the_standard_deviation_of_the_unofficial_code_and_follows_the_seed():
    config = small_config(head_init=False, vocabulary=4000)
    embeddings, head = language_tables(config)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(make_connector(config, embeddings=embeddings, head=head).to_vocabulary.detach())
    assert drawn[0].std().item() == pytest.approx(0.02, rel=0.02)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("scale", [0.2, 1, 20])
def test_the_norm_over_the_vocabulary_gives_an_effective_vocabulary_of_0607_whatever_the_scale_of_w2(scale):
    config = small_config(language_width=64, vocabulary=20_000, tokens=4, grid=(2, 2))
    embeddings, head = language_tables(config)
    connector = make_connector(config, embeddings=embeddings, head=scale * head)
    shares = connector.entropy(torch.randn(3, 4, 6)).exp() / config.vocabulary
    assert shares.mean().item() == pytest.approx(math.exp(-0.5), abs=0.01)


def test_without_the_norm_the_effective_vocabulary_follows_the_scale_of_w2():
    config = small_config(language_width=64, vocabulary=20_000, tokens=4, grid=(2, 2), vocabulary_norm=False)
    embeddings, head = language_tables(config)
    shares = []
    for scale in (0.2, 1, 20):
        connector = make_connector(config, embeddings=embeddings, head=scale * head)
        shares.append((connector.entropy(torch.randn(3, 4, 6)).exp() / config.vocabulary).mean().item())
    assert shares[0] > 0.99 > shares[1] > 0.5
    assert shares[2] < 0.001


def test_every_visual_token_lies_in_the_convex_hull_of_the_embeddings():
    connector, features, embeddings = small_connector(vocabulary=12)
    disturb(connector)
    unit = torch.eye(12, 8, dtype=torch.float64)
    weights = torch.cat([connector(features, unit), connector(features, unit.flip(0))[..., :4].flip(-1)], dim=-1)
    assert weights.shape[-1] == 12
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 16, dtype=torch.float64))
    torch.testing.assert_close(connector(features, embeddings), weights @ embeddings)


def test_each_departure_changes_the_visual_tokens():
    found = []
    for changes in [each for each in DEPARTURES if "factor" not in each] + [{"pruned": 16}]:
        connector, features, embeddings = small_connector(**changes)
        with torch.no_grad():
            for key, parameter in connector.named_parameters():
                parameter += 0.1 if key in ("norm.weight", "norm.bias") else 0
        found.append(connector(features, embeddings))
    for at, one in enumerate(found):
        assert all((one - other).abs().max() > 1e-5 for other in found[:at])


@pytest.mark.parametrize("vocabulary_norm", [True, False])
def test_a_pruned_connector_is_the_plain_form_with_all_other_logits_at_minus_infinity(vocabulary_norm):
    pruned, features, embeddings = small_connector(pruned=16, vocabulary_norm=vocabulary_norm)
    disturb(pruned)
    queries = pruned.norm(pruned.map(features))
    logits = queries @ pruned.to_vocabulary.T
    if vocabulary_norm:
        logits = pruned.vocabulary_norm(logits)
    everywhere = torch.full((2, 16, 50), -torch.inf, dtype=torch.float64)
    everywhere[..., pruned.kept] = logits
    torch.testing.assert_close(pruned(features, embeddings), everywhere.softmax(dim=-1) @ embeddings)


def test_a_pruned_connector_starts_from_the_kept_rows_and_reaches_only_their_embeddings():
    connector, features, embeddings = small_connector(pruned=16)
    assert connector.to_vocabulary.shape == (16, 8)
    assert connector.vocabulary_norm.weight.shape == (16,)
    assert connector.kept.tolist() == list(range(0, 48, 3))
    assert torch.equal(connector.to_vocabulary, language_tables(connector.config)[1][connector.kept])
    connector(features, embeddings.requires_grad_()).sum().backward()
    assert (embeddings.grad.abs().sum(dim=1) > 0).nonzero().flatten().tolist() == connector.kept.tolist()
    assert "kept" in connector.state_dict()


def test_the_heaviest_tokens_are_ids_of_the_language_model():
    for changes in ({}, {"pruned": 16}):
        connector, features, _ = small_connector(**changes)
        ids, weights = connector.top_tokens(features, 3)
        wanted = reference_align_weights(connector, features).sort(dim=-1, descending=True)
        rows = wanted.indices[..., :3]
        assert ids.tolist() == (rows if connector.kept is None else connector.kept[rows]).tolist()
        torch.testing.assert_close(weights, wanted.values[..., :3])


def test_sizes_of_the_published_and_the_unofficial_form_are_counted():
    connector, _, _ = small_connector(factor=2)
    assert connector.count_parameters() == 4 * 6 * 8 + 2 * 8 + 50 * 8 + 2 * 50
    connector.to_vocabulary.requires_grad_(False)
    assert connector.count_parameters() == 4 * 6 * 8 + 2 * 8 + 2 * 50
    assert connector.count_parameters(trainable=False) == 4 * 6 * 8 + 2 * 8 + 50 * 8 + 2 * 50


def test_features_are_cast_to_the_weights_and_visual_tokens_to_the_embeddings():
    connector, features, embeddings = small_connector()
    visual = connector.float()(features.half(), embeddings.bfloat16())
    assert visual.dtype == torch.bfloat16
    assert (visual.float() - connector(features, embeddings.float())).abs().max() < 0.01


def test_a_head_that_is_missing_or_of_another_size_is_one_line():
    config = small_config()
    embeddings, head = language_tables(config)
    with pytest.raises(ParamsError, match="set head_init to false"):
        make_connector(config, embeddings=embeddings, head=None)
    with pytest.raises(ParamsError, match=r"head are \[49, 8\], the connector is made for \[50, 8\]"):
        make_connector(config, embeddings=embeddings, head=head[1:])
    with pytest.raises(ParamsError, match=r"embeddings are \[50, 7\]"):
        make_connector(config, embeddings=embeddings[:, 1:], head=head)
    assert isinstance(make_connector(small_config(head_init=False), embeddings=embeddings, head=None), AlignConnector)


@pytest.mark.parametrize(
    ("pruned", "kept", "message"),
    [
        (None, [0, 1], "pruned is None"),
        (2, None, "pruned is 2"),
        (2, [0, 1, 2], "pruned is 2, but 3 tokens"),
        (2, [3, 1], "not ascending"),
        (2, [3, 3], "not ascending"),
        (2, [-1, 3], "below 50"),
        (2, [0, 50], "below 50"),
    ],
)
def test_tokens_kept_that_do_not_fit_are_one_line(pruned, kept, message):
    config = small_config(pruned=pruned)
    embeddings, head = language_tables(config)
    with pytest.raises(ParamsError, match=message) as caught:
        make_connector(config, embeddings=embeddings, head=head, kept=None if kept is None else torch.tensor(kept))
    assert "\n" not in str(caught.value)
    with pytest.raises(ParamsError, match=message):
        check_kept(config, None if kept is None else torch.tensor(kept))


def test_features_and_embeddings_of_other_sizes_are_one_line():
    connector, features, embeddings = small_connector()
    with pytest.raises(DataError, match=r"features of \[2, 15, 6\] .* \[N, 16, 6\]"):
        connector(features[:, 1:], embeddings)
    with pytest.raises(DataError, match=r"table of \[49, 8\] for a connector made for \[50, 8\]"):
        connector(features, embeddings[1:])
    with pytest.raises(DataError, match="features of"):
        connector.entropy(features[..., 1:])
