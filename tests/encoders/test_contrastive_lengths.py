"""Texts in groups of like length: the same features and gradients, less padding."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_contrastive import SHARED, model_of, tokens_of

from ligature.encoders.contrastive.lengths import GROUPS, encode_by_length


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, SHARED.context_length), min_size=1, max_size=12))
def test_features_are_those_of_the_whole_batch_in_its_order(lengths):
    tokens, towers = tokens_of(*lengths), model_of(SHARED)
    grouped = encode_by_length(towers.encode_text, tokens, SHARED.end_token)
    torch.testing.assert_close(grouped, towers.encode_text(tokens), rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_the_whole_batch():
    tokens = tokens_of(2, 7, 3, 7, 5, 4, 2)
    weights = torch.randn(7, SHARED.embed_dim, generator=torch.Generator().manual_seed(1))
    plain, grouped = model_of(SHARED), model_of(SHARED)
    (plain.encode_text(tokens) * weights).sum().backward()
    (encode_by_length(grouped.encode_text, tokens, SHARED.end_token) * weights).sum().backward()
    others = dict(grouped.named_parameters())
    compared = {name: p.grad for name, p in plain.named_parameters() if p.grad is not None}
    assert compared
    for name, gradient in compared.items():
        torch.testing.assert_close(others[name].grad, gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_every_group_is_cut_to_its_longest_text():
    seen = []

    def encode(tokens):
        seen.append(tuple(tokens.shape))
        return tokens[:, :1].float()

    encode_by_length(encode, tokens_of(2, 7, 2, 3, 7, 3, 5, 4), SHARED.end_token)
    assert seen == [(2, 2), (2, 3), (2, 5), (2, 7)]
    assert len(seen) == GROUPS


def test_a_text_ends_at_its_first_end_token():
    tokens = tokens_of(3, 6)
    tokens[0, 3:] = SHARED.end_token
    shapes = []
    encode_by_length(lambda rows: shapes.append(rows.shape[1]) or rows[:, :1].float(), tokens, SHARED.end_token)
    assert shapes == [3, 6]
