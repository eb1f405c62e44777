"""Mixtures against plain counting: every epoch full, every share exact, every row of a source seen equally often."""

import dataclasses
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.mixture import Mixture
from ligature.errors import ParamsError

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@st.composite
def mixtures(draw) -> Mixture:
    """Mixtures of few rows in which every source has at least one row an epoch."""
    sizes = draw(SIZES)
    kind = draw(st.sampled_from(["proportional", "equal", "given"]))
    if kind != "given":
        return Mixture.of(sizes, kind)
    rows = draw(st.lists(st.floats(1.01, 30), min_size=len(sizes), max_size=len(sizes)))
    sizes[-1] += int(sum(rows)) + len(sizes)
    scale = sum(sizes) / sum(rows)
    return Mixture.of(sizes, [row * scale for row in rows])


def source_of(mixture: Mixture, rows: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.cumsum(mixture.sizes), rows, side="right")


def exact_share(mixture: Mixture, source: int) -> Fraction:
    total = sum(Fraction(weight) for weight in mixture.weights)
    return Fraction(mixture.weights[source]) / total * sum(mixture.sizes)


@settings(max_examples=25, deadline=None)
@given(mixture=mixtures(), epochs=st.integers(1, 12))
def test_every_epoch_is_full_and_every_source_has_its_exact_share_within_one_row(mixture, epochs):
    drawn = Counter()
    for epoch in range(epochs):
        rows = mixture.epoch_rows(3, epoch)
        assert rows.dtype == np.int64
        assert len(rows) == sum(mixture.sizes) == mixture.rows
        assert rows.min() >= 0
        assert rows.max() < mixture.rows
        drawn.update(source_of(mixture, rows).tolist())
        counts = [drawn[source] for source in range(len(mixture.sizes))]
        assert counts == mixture.drawn_before(epoch + 1)
        for source, count in enumerate(counts):
            assert abs(count - (epoch + 1) * exact_share(mixture, source)) < 1


@settings(max_examples=25, deadline=None)
@given(mixture=mixtures(), epochs=st.integers(1, 12), seed=st.integers(0, 99))
def test_no_row_of_a_source_is_ever_more_than_once_ahead_of_another(mixture, epochs, seed):
    seen = np.zeros(mixture.rows, dtype=int)
    for epoch in range(epochs):
        np.add.at(seen, mixture.epoch_rows(seed, epoch), 1)
        for of_source in np.split(seen, np.cumsum(mixture.sizes)[:-1]):
            assert of_source.max() - of_source.min() <= 1


@settings(max_examples=25, deadline=None)
@given(mixture=mixtures(), epoch=st.integers(0, 1000), seed=st.integers(0, 99))
def test_an_epoch_follows_from_seed_and_number_alone(mixture, epoch, seed):
    fresh = Mixture(mixture.sizes, mixture.weights)
    mixture.epoch_rows(seed, epoch + 1)
    assert np.array_equal(mixture.epoch_rows(seed, epoch), fresh.epoch_rows(seed, epoch))


@settings(max_examples=25, deadline=None)
@given(sizes=SIZES, seed=st.integers(0, 99), epoch=st.integers(0, 50))
def test_proportional_weights_draw_everything_once_as_without_a_mixture(sizes, seed, epoch):
    rows = Mixture.of(sizes, "proportional").epoch_rows(seed, epoch)
    assert np.array_equal(rows, np.random.default_rng([seed, epoch]).permutation(sum(sizes)))


@pytest.mark.parametrize("weights", ["equal", [2.5], "proportional"])
def test_a_single_source_is_a_permutation_whatever_its_weight(weights):
    rows = Mixture.of([50], weights).epoch_rows(4, 9)
    assert np.array_equal(rows, np.random.default_rng([4, 9]).permutation(50))


def test_equal_weights_repeat_a_tiny_source_and_stay_fast():
    mixture = Mixture.equal([1, 7, 300_000])
    third = 300_008 / 3
    for epoch in (0, 1, 400):
        counts = np.bincount(mixture.epoch_rows(0, epoch), minlength=mixture.rows)
        assert counts[0] == pytest.approx(third, abs=1.01)
        assert np.ptp(counts[1:8]) <= 2
        assert counts[1:8].sum() == pytest.approx(third, abs=1.01)
        assert counts[8:].max() <= 2


@pytest.mark.parametrize("block_rows", [1, 12, 50])
def test_balance_holds_over_the_blocks_in_which_permutations_are_drawn(monkeypatch, block_rows):
    monkeypatch.setattr("ligature.data.mixture.BLOCK_ROWS", block_rows)
    mixture, seen = Mixture.equal([5, 45]), np.zeros(50, dtype=int)
    for epoch in range(30):
        np.add.at(seen, mixture.draws(0, epoch), 1)
        assert np.ptp(seen[:5]) <= 1
        assert np.ptp(seen[5:]) <= 1
    assert seen[:5].sum() == seen[5:].sum() == 30 * 25


def test_a_large_source_is_seen_whole_before_any_row_returns():
    mixture = Mixture.given([90_000, 10_000], [1.0, 9.0])
    first = np.concatenate([mixture.draws(1, epoch) for epoch in range(9)])
    assert np.array_equal(np.unique(first[first < 90_000]), np.arange(90_000))
    assert (first < 90_000).sum() == 90_000


def test_other_seeds_and_epochs_draw_others_and_in_another_order():
    mixture = Mixture.given([100, 100], [1.0, 3.0])
    drawn = mixture.draws(0, 0)
    assert np.array_equal(drawn, np.sort(mixture.epoch_rows(0, 0)))
    assert not np.array_equal(drawn, mixture.epoch_rows(0, 0))
    assert not np.array_equal(drawn, mixture.draws(1, 0))
    assert not np.array_equal(drawn, mixture.draws(0, 1))


def test_sources_of_one_size_are_permuted_independently():
    rows = Mixture.given([200, 200, 200], [1.0, 1.0, 2.0]).draws(0, 0)
    first, second = rows[rows < 200], rows[(rows >= 200) & (rows < 400)] - 200
    assert not np.array_equal(first, second)


def test_an_epoch_is_mixed_not_one_source_after_the_other():
    mixture = Mixture.equal([500, 1500])
    of_second = source_of(mixture, mixture.epoch_rows(0, 0)).reshape(20, 100).sum(axis=1)
    assert of_second.min() > 25
    assert of_second.max() < 75


def test_words_and_numbers_of_a_study_become_weights():
    assert Mixture.of([30, 10], "proportional") == Mixture((30, 10), (30.0, 10.0))
    assert Mixture.of([30, 10], "equal") == Mixture((30, 10), (1.0, 1.0))
    assert Mixture.of([30, 10], [3, 2]) == Mixture((30, 10), (3.0, 2.0))
    assert Mixture.of(np.array([30, 10]), "equal").sizes == (30, 10)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Mixture((1,), (1.0,)).sizes = (2,)


@pytest.mark.parametrize(
    ("sizes", "weights", "words"),
    [
        ([], [], "0 sources and 0 weights"),
        ([3, 4], [1.0], "2 sources and 1 weights"),
        ([3, 0], [1.0, 1.0], "source 1 has 0 rows; leave it out"),
        ([3, 4], [1.0, 0.0], "the weight of source 1 is 0.0"),
        ([3, 4], [-1.0, 1.0], "the weight of source 0 is -1.0"),
        ([3, 4], [1.0, float("nan")], "the weight of source 1 is nan"),
        ([3, 4], [1.0, float("inf")], "the weight of source 1 is inf"),
        ([3, 7], [1.0, 99.0], "source 0 gets 0.1 rows an epoch; raise its weight"),
        ([3, 4], "even", "weights are 'even'; write 'proportional', 'equal' or a list"),
    ],
)
def test_impossible_mixtures_are_refused(sizes, weights, words):
    with pytest.raises(ParamsError, match=words):
        Mixture.of(sizes, weights)
