"""Backfill: never fewer rows, and nothing left that one exchange could fill."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from selection_reference import as_dict, best_captions, random_captions

from ligature.curation.selection import select, select_with_report

few = settings(max_examples=25, deadline=None)
scarce = st.builds(random_captions, st.integers(0, 10_000), length=st.integers(4, 12), pool=st.integers(12, 30))


def test_a_short_concept_takes_the_row_of_one_that_can_replace_it():
    top_k = best_captions([[(1, 0.2), (2, 0.1), (3, 0.05)], [(1, 0.9)]])
    assert as_dict(select(top_k, 2, rank=0)).keys() == {1, 2}
    selection = select_with_report(top_k, 2, rank=0, backfill=True)
    assert {uid: concept for uid, (concept, _) in as_dict(selection.rows).items()} == {1: 1, 2: 0, 3: 0}
    assert selection.concepts.kept.tolist() == [2, 1]
    assert selection.concepts.backfilled.tolist() == [0, 1]


def test_a_donor_takes_no_more_than_it_gives():
    top_k = best_captions([[(1, 0.4), (2, 0.3), (3, 0.2), (4, 0.1)], [(1, 0.9)]])
    selection = select_with_report(top_k, np.array([1, 3]), rank=0, backfill=True)
    assert {uid: concept for uid, (concept, _) in as_dict(selection.rows).items()} == {1: 1, 2: 0}


def test_the_score_is_that_of_the_concept_that_keeps_the_row():
    top_k = best_captions([[(1, 0.25), (2, 0.125)], [(1, 0.75)]])
    assert as_dict(select(top_k, 1, rank=0, backfill=True)) == {1: (1, 0.75), 2: (0, 0.125)}


@few
@given(scarce, st.integers(1, 7))
def test_nobody_loses_rows_and_quotas_hold(top_k, quota):
    before, after = (select_with_report(top_k, quota, backfill=backfill).concepts for backfill in (False, True))
    assert (after.kept >= before.kept).all()
    assert (after.kept <= quota).all()
    assert (after.kept - before.kept).tolist() == after.backfilled.tolist()


@few
@given(scarce, st.integers(1, 7))
def test_rows_that_stay_selected_are_all_of_the_old_ones(top_k, quota):
    before, after = (set(select(top_k, quota, backfill=backfill).uid) for backfill in (False, True))
    assert before <= after


def exchanges(top_k, owners, quota):
    """Yields the (short concept, donor) pairs that one exchange would serve, straight from the definition."""
    lists = top_k.uids.tolist()
    free = [any(uid not in owners for uid in uids) for uids in lists]
    for concept, uids in enumerate(lists):
        if list(owners.values()).count(concept) < quota:
            yield from ((concept, owners[uid]) for uid in uids if owners[uid] != concept and free[owners[uid]])


@few
@given(scarce, st.integers(1, 7))
def test_no_exchange_is_left(top_k, quota):
    owners = {uid: concept for uid, (concept, _) in as_dict(select(top_k, quota, backfill=True)).items()}
    assert list(exchanges(top_k, owners, quota)) == []


def largest_total(top_k, quota):
    """The most rows that any assignment can keep."""
    seats = np.zeros((len(top_k.uids) * quota, int(top_k.uids.max()) + 1))
    for concept, uids in enumerate(top_k.uids):
        seats[concept * quota : (concept + 1) * quota, uids] = 1
    return int((maximum_bipartite_matching(csr_array(seats)) >= 0).sum())


def test_backfill_comes_close_to_the_largest_total():
    cases = [random_captions(seed, concepts=8, length=8, pool=30) for seed in range(60)]
    totals = np.array(
        [[len(select(case, 4)), len(select(case, 4, backfill=True)), largest_total(case, 4)] for case in cases]
    )
    greedy, filled, largest = totals.sum(axis=0)
    assert (totals[:, 1] <= totals[:, 2]).all()
    assert greedy < filled <= largest
    assert largest - filled < 0.1 * (largest - greedy)


def test_backfill_is_the_same_every_time():
    top_k = random_captions(3, length=5, pool=12)
    assert select(top_k, 4, backfill=True).equals(select(top_k, 4, backfill=True))
