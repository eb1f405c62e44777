"""The policies of selection, against plain references and by their properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selection_reference import as_dict, best_captions, greedy, random_captions

from ligature.curation.selection import select, select_with_report
from ligature.curation.state import TopK
from ligature.curation.top_k import top_k
from ligature.errors import DataError

seeds = st.integers(0, 10_000)
quotas = st.lists(st.integers(0, 9), min_size=6, max_size=6).map(np.array)
few = settings(max_examples=25, deadline=None)


@few
@given(seeds, quotas, st.none() | st.integers(0, 11), st.sampled_from([-1.0, 0.3, 0.6]), st.sets(st.integers(1, 30)))
def test_rarest_is_the_walk_of_the_published_policy(seed, quota, rank, min_score, banned):
    state = random_captions(seed)
    turns = sorted(range(6), key=lambda concept: state.scores[concept, 11 if rank is None else rank])
    rows = select(state, quota, rank=rank, min_score=min_score, banned=banned)
    assert as_dict(rows) == greedy(state, quota, turns, min_score, banned)


@few
@given(seeds, quotas)
def test_mean_orders_concepts_by_the_mean_of_their_lists(seed, quota):
    state = random_captions(seed)
    turns = np.argsort(state.scores.astype(np.float64).mean(axis=1), kind="stable").tolist()
    assert as_dict(select(state, quota, "mean")) == greedy(state, quota, turns)


@few
@given(seeds, st.integers(0, 9), st.sampled_from(["rarest", "mean", "capped"]), st.booleans())
def test_a_row_is_kept_once_and_quotas_hold(seed, quota, order, backfill):
    selection = select_with_report(random_captions(seed), quota, order, backfill=backfill)
    rows, concepts = selection.rows, selection.concepts
    assert rows.uid.is_unique
    assert rows.uid.is_monotonic_increasing
    assert concepts.kept.tolist() == [int((rows.concept == concept).sum()) for concept in range(6)]
    assert (concepts.kept <= concepts.found).all()
    if order != "capped":
        assert (concepts.kept <= quota).all()


@few
@given(seeds, st.integers(1, 9))
def test_the_rarest_concept_gets_its_best_rows(seed, quota):
    state = random_captions(seed)
    selection = select_with_report(state, quota)
    rarest = int(np.argmin(state.scores[:, -1]))
    assert selection.concepts.rarity_rank[rarest] == 0
    kept = selection.rows[selection.rows.concept == rarest]
    assert set(kept.uid) == set(state.uids[rarest, :quota])


@few
@given(seeds, st.permutations(range(6)), st.sampled_from(["rarest", "mean"]), st.booleans())
def test_the_numbering_of_concepts_does_not_matter(seed, permutation, order, backfill):
    state = random_captions(seed)
    moved = TopK.of(state.scores[permutation], state.uids[permutation], state.k, state.seen)
    rows = as_dict(select(moved, 4, order, backfill=backfill))
    named = {uid: (permutation[concept], score) for uid, (concept, score) in rows.items()}
    assert named == as_dict(select(state, 4, order, backfill=backfill))


def test_of_equally_rare_concepts_the_lower_index_chooses_first():
    state = best_captions([[(1, 0.5), (2, 0.4)], [(1, 0.6), (2, 0.4)]])
    assert as_dict(select(state, 1)) == {1: (0, 0.5), 2: (1, pytest.approx(0.4))}


def test_the_last_rank_may_be_taken():
    assert len(select(best_captions([[(1, 0.5), (2, 0.4), (3, 0.3)]]), 3)) == 3


def test_a_row_that_stands_twice_in_a_list_is_refused():
    with pytest.raises(DataError, match="concept 1: a uid stands twice in its list; keep its better score"):
        best_captions([[(1, 0.5), (3, 0.125)], [(4, 0.5), (4, 0.25)]])


def test_a_concept_without_a_match_stands_in_the_report_with_zeros():
    state = best_captions([[(1, 0.5), (2, 0.4)], [(1, 0.2), (2, 0.1)], []])
    concepts = select_with_report(state, 2, min_score=0.3).concepts
    assert concepts.found.tolist() == concepts.kept.tolist() == [2, 0, 0]
    assert concepts.asked.tolist() == [2, 2, 2]
    assert np.isnan(concepts.kth_score[2])
    assert np.isnan(concepts.mean_score[2])
    assert concepts.rarity_rank.tolist() == [2, 1, 0]


def test_a_score_that_equals_the_lowest_is_a_match():
    assert select(best_captions([[(1, 0.5), (2, 0.25), (3, 0.125)]]), 3, min_score=0.25).uid.tolist() == [1, 2]


def test_gaps_are_no_rows_and_the_types_are_those_of_the_table():
    rows = select(best_captions([[(7, 0.5)], [(2**63 + 5, 0.4), (8, 0.3)]]), 5)
    assert rows.uid.tolist() == [7, 8, 2**63 + 5]
    assert rows.dtypes.astype(str).to_dict() == {"uid": "uint64", "concept": "int32", "score": "float32"}


def test_no_match_at_all_give_an_empty_table():
    state = best_captions([[(1, 0.5)], []])
    for order in ("rarest", "mean", "capped"):
        rows = select(state, 3, order, backfill=True, min_score=0.9)
        assert rows.columns.tolist() == ["uid", "concept", "score"]
        assert len(rows) == 0


def test_uids_may_be_strings():
    state = best_captions([[("b", 0.5), ("a", 0.4)], [("b", 0.3)]], dtype="U1")
    assert as_dict(select(state, 2, banned=["a", "below"])) == {"b": (1, pytest.approx(0.3))}
    assert set(select(state, 2, "capped").uid) == {"a", "b"}


@pytest.mark.parametrize("quota", [-1, 1.5, np.array([1, 2, 3]), np.array([1, -2])])
def test_a_quota_that_makes_no_sense_is_refused(quota):
    with pytest.raises(DataError, match="quota"):
        select(best_captions([[(1, 0.5)], [(2, 0.5)]]), quota)


@pytest.mark.parametrize(
    ("changed", "match"),
    [({"order": "best"}, "order 'best'"), ({"rank": 2}, "ranks 0 to 1"), ({"rank": -1}, "rank -1")],
)
def test_an_unknown_order_or_rank_is_refused(changed, match):
    with pytest.raises(DataError, match=match):
        select(best_captions([[(1, 0.5), (2, 0.4)]]), 1, **changed)


def test_lists_that_are_not_sorted_or_do_not_fit_are_refused():
    state = best_captions([[(1, 0.4), (2, 0.5)]])
    with pytest.raises(DataError, match="best first"):
        select(state, 1)
    with pytest.raises(DataError, match="one score a uid"):
        select(TopK.of(state.scores, state.uids[:, :1], 2, 2), 1)
    with pytest.raises(DataError, match="score the pool first"):
        select(TopK.of(state.scores[:, :0], state.uids[:, :0], 2, 0), 1)


def test_captions_are_selected_from_embeddings():
    rng = np.random.default_rng(0)
    uids, embeddings = np.arange(200, dtype=np.uint64), rng.normal(size=(200, 5)).astype(np.float32)
    rows = select(top_k([(uids, embeddings)], np.eye(5, dtype=np.float32), k=60), 20, backfill=True)
    assert rows.concept.value_counts().tolist() == [20] * 5
    cosines = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    np.testing.assert_allclose(rows.score, cosines[rows.uid.astype(int), rows.concept], atol=1e-6)
