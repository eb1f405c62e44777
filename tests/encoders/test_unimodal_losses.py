import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.encoders.unimodal.losses import nt_xent


def plain_nt_xent(first, second, temperature):
    views = [vector / vector.norm() for vector in [*first, *second]]
    half, total = len(first), 0.0
    for i, view in enumerate(views):
        partner = (i + half) % (2 * half)
        others = [float(view @ views[j]) / temperature for j in range(2 * half) if j != i]
        positive = float(view @ views[partner]) / temperature
        total += math.log(sum(math.exp(other) for other in others)) - positive
    return total / len(views)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(2, 7),
    dims=st.integers(1, 9),
    temperature=st.sampled_from([0.1, 0.2, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_agrees_with_the_formula(count, dims, temperature, seed):
    first, second = torch.randn(2, count, dims, generator=torch.Generator().manual_seed(seed)).double()
    expected = plain_nt_xent(first, second, temperature)
    assert nt_xent(first, second, temperature=temperature).item() == pytest.approx(expected, abs=1e-9)


def test_two_images_whose_views_agree_and_are_opposite_by_hand():
    first = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    expected = math.log(math.exp(1) + 2 * math.exp(-1)) - 1
    assert nt_xent(first, first, temperature=1.0).item() == pytest.approx(expected, abs=1e-6)


def test_length_of_the_vectors_and_order_of_the_views_play_no_part():
    first, second = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    loss = nt_xent(first, second, temperature=0.2)
    torch.testing.assert_close(nt_xent(3 * second, 0.5 * first, temperature=0.2), loss)


def test_matched_views_cost_less_than_mixed_up_ones():
    first = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
    matched = nt_xent(first, first + 0.01, temperature=0.2)
    assert matched < nt_xent(first, first.roll(1, dims=0), temperature=0.2)
