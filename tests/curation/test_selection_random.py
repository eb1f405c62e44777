"""Keyed random numbers, random subsets, and the capped order that draws with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_reference import as_dict, best_captions, random_captions

from ligature.curation.keyed import keyed_hash, keyed_uniform, random_subset
from ligature.curation.selection import select, select_with_report
from ligature.errors import DataError

WORD = 2**64 - 1


def mix(word):
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def test_the_keyed_hash_is_the_formula():
    golden = 0x9E3779B97F4A7C15
    assert mix(golden) == 0xE220A8397B1DCDAF, "the first number of SplitMix64 with seed 0"
    key = mix((mix((7 + golden) & WORD) + 3) & WORD)
    expected = [mix(mix((uid + golden) & WORD) ^ key) for uid in (0, 1, 2**64 - 1)]
    assert keyed_hash(np.array([0, 1, 2**64 - 1], dtype=np.uint64), seed=7, stream=3).tolist() == expected


def test_keyed_numbers_are_spread_evenly_and_differ_between_seeds_and_streams():
    uids = np.arange(20_000)
    draws = [keyed_uniform(uids, seed, stream) for seed, stream in ((0, 0), (1, 0), (0, 1))]
    for draw in draws:
        assert 0 <= draw.min() < draw.max() < 1
        assert np.histogram(draw, 20, (0, 1))[0] == pytest.approx(1000, abs=150)
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.03


def test_strings_have_keyed_numbers_too():
    draw = keyed_uniform(np.array([f"row {number}" for number in range(2000)]), 0)
    assert len(set(draw)) == 2000
    assert draw.mean() == pytest.approx(0.5, abs=0.03)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, WORD)), st.integers(0, 20), st.integers(0, 99), st.randoms(), st.integers(0, 20))
def test_parts_may_be_thinned_on_their_own_and_in_any_order(uids, size, seed, random, cut):
    whole = random_subset(np.array(uids, dtype=np.uint64), size, seed)
    assert len(whole) == min(size, len(set(uids)))
    assert (np.diff(whole.astype(object)) > 0).all()
    random.shuffle(uids)
    parts = [random_subset(np.array(part, dtype=np.uint64), size, seed) for part in (uids[:cut], uids[cut:])]
    assert random_subset(np.concatenate(parts), size, seed).tolist() == whole.tolist()


def test_every_row_is_as_likely_in_a_random_subset():
    counts = np.zeros(40)
    for seed in range(400):
        counts[random_subset(np.arange(40), 10, seed)] += 1
    assert counts == pytest.approx(100, abs=40)


def test_a_negative_size_is_refused():
    with pytest.raises(DataError, match="size of at least 0"):
        random_subset(np.arange(3), -1, 0)


def capped(top_k, quota, seed, min_score):
    """MetaCLIP's draw, row by row."""
    pairs = [
        (uid, concept, score)
        for concept in range(len(top_k.uids))
        for uid, score in zip(top_k.uids[concept].tolist(), top_k.scores[concept].tolist(), strict=True)
        if score >= np.float32(min_score)
    ]
    counts = [sum(pair[1] == concept for pair in pairs) for concept in range(len(top_k.uids))]
    draws = {(uid, concept): keyed_uniform(np.array([uid]), seed, concept)[0] for uid, concept, _ in pairs}
    stays = {uid for uid, concept, _ in pairs if draws[uid, concept] * counts[concept] < quota}
    best = {uid: max(((c, s) for u, c, s in pairs if u == uid), key=lambda pair: pair[1]) for uid in stays}
    return dict(sorted(best.items()))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 12), st.integers(0, 99), st.sampled_from([-1.0, 0.3, 0.7]))
def test_capped_is_the_draw_row_by_row(case, quota, seed, min_score):
    top_k = random_captions(case)
    rows = select(top_k, quota, "capped", seed=seed, min_score=min_score)
    assert as_dict(rows) == capped(top_k, quota, seed, min_score)


def test_capped_keeps_the_quota_on_average():
    lists = [[(uid, 0.5) for uid in range(1000 * concept, 1000 * concept + 1000)] for concept in range(20)]
    kept = select_with_report(best_captions(lists), 250, "capped").concepts.kept
    assert kept.mean() == pytest.approx(250, abs=12)
    assert kept.nunique() > 5


def test_capped_keeps_rare_concepts_whole_and_reports_all_matches():
    top_k = best_captions([[(uid, 0.5) for uid in range(100)], [(7, 0.9), (200, 0.8)]])
    selection = select_with_report(top_k, 10, "capped", backfill=True)
    assert {7: 1, 200: 1}.items() <= {uid: concept for uid, (concept, _) in as_dict(selection.rows).items()}.items()
    assert selection.concepts.found.tolist() == [100, 2]
    assert selection.concepts.backfilled.tolist() == [0, 0]


def test_capped_lists_a_row_that_two_concepts_match_equally_under_the_lower():
    top_k = best_captions([[(1, 0.5)], [(1, 0.75), (2, 0.5)], [(1, 0.75), (2, 0.5)]])
    assert as_dict(select(top_k, 5, "capped")) == {1: (1, 0.75), 2: (1, 0.5)}


def test_capped_never_takes_banned_rows():
    top_k = best_captions([[(1, 0.5), (2, 0.4)], [(2, 0.9)]])
    assert as_dict(select(top_k, 5, "capped", banned=[2])).keys() == {1}
