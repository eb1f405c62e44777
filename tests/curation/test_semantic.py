"""Semantic duplicates against brute force, what the cells miss, and nearness to evaluation captions."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.curation import cells
from ligature.curation.cells import cell_members, default_cells, fit_centres, nearest_cells
from ligature.curation.semantic import nearest_evaluation, semantic_duplicates
from ligature.curation.vectors import unit_rows
from ligature.errors import DataError


def captions(seed, n=120, d=8, copies=0.5, noise=0.25):
    """Random vectors, many of them noisy copies of others, under random uids."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d))
    copied = np.flatnonzero(rng.random(n) < copies)
    rows[copied] = rows[rng.integers(0, n, len(copied))] + noise * rng.normal(size=(len(copied), d))
    rows *= rng.uniform(0.1, 5, size=(n, 1))
    return rng.permutation(10 * n)[:n].astype(np.uint64) + np.uint64(2**63), rows.astype(np.float32)


def brute_force(uids, embeddings, eps):
    """A row is dropped if an earlier kept row is near: one after another."""
    order = np.argsort(uids)
    units = embeddings[order].astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    kept, dropped = [], []
    for row in range(len(units)):
        near = [kept[place] for place in np.flatnonzero(units[kept] @ units[row] > 1 - eps)]
        kept += [] if near else [row]
        dropped += [(uids[order[row]], uids[order[near[0]]], units[row] @ units[near[0]])] if near else []
    return pd.DataFrame(dropped, columns=["uid", "duplicate_of", "cosine"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9999), st.sampled_from([0.02, 0.1, 0.3, 0.7]))
def test_one_cell_is_the_greedy_walk(seed, eps):
    uids, rows = captions(seed)
    found, expected = semantic_duplicates(uids, rows, eps, cells=1), brute_force(uids, rows, eps)
    assert found.uid.tolist() == expected.uid.tolist()
    assert found.duplicate_of.tolist() == expected.duplicate_of.tolist()
    np.testing.assert_allclose(found.cosine, expected.cosine.astype(float), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(2, 8), st.booleans())
def test_more_cells_are_the_greedy_walk_over_pairs_that_share_one(seed, n_cells, probe):
    uids, rows = captions(seed)
    rows, uids = rows[np.argsort(uids)], np.sort(uids)
    units = torch.from_numpy(unit_rows(rows, "rows"))
    nearest = nearest_cells(units, fit_centres(units, uids, n_cells, 0), 2 if probe else 1).numpy()
    kept, expected = [], {}
    for row, own in enumerate(nearest):
        near = [other for other in kept if set(own) & set(nearest[other]) and units[row] @ units[other] > 0.6]
        kept += [] if near else [row]
        expected |= {uids[row]: uids[near[0]]} if near else {}
    found = semantic_duplicates(uids, rows, 0.4, cells=n_cells, probe=probe)
    assert dict(zip(found.uid, found.duplicate_of, strict=True)) == expected


def test_small_tiles_change_nothing(monkeypatch):
    uids, rows = captions(3)
    whole = semantic_duplicates(uids, rows, 0.2, cells=4)
    monkeypatch.setattr(cells, "TILE_BYTES", 4 * 130 * 7)
    pd.testing.assert_frame_equal(semantic_duplicates(uids, rows, 0.2, cells=4), whole, rtol=1e-6)


def test_a_tile_has_at_most_64_mb_or_one_row():
    for columns in (0, 1, 3000, 10**6):
        assert 4 * columns * cells.tile_rows(columns) <= 64 << 20
    assert cells.tile_rows(10**9) == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(2, 12), st.booleans())
def test_a_dropped_row_points_to_a_kept_one_that_is_smaller_and_near(seed, n_cells, probe):
    uids, rows = captions(seed)
    found = semantic_duplicates(uids, rows, 0.2, cells=n_cells, probe=probe)
    units = dict(zip(uids, unit_rows(rows, "rows"), strict=True))
    assert not set(found.duplicate_of) & set(found.uid)
    assert (found.duplicate_of < found.uid).all()
    for uid, other, cosine in found.itertuples(index=False):
        assert units[uid] @ units[other] == pytest.approx(cosine, abs=1e-6)
        assert cosine > 0.8


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.booleans())
def test_the_order_of_rows_does_not_matter(seed, probe):
    uids, rows = captions(seed)
    order = np.random.default_rng(seed).permutation(len(uids))
    first = semantic_duplicates(uids, rows, 0.2, cells=5, probe=probe)
    pd.testing.assert_frame_equal(semantic_duplicates(uids[order], rows[order], 0.2, cells=5, probe=probe), first)


def test_a_long_chain_of_neighbours_is_settled_link_by_link():
    angles = np.arange(60) * 0.04
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    eps = 1 - np.cos(0.05)
    assert semantic_duplicates(np.arange(60), rows, eps, cells=1).uid.tolist() == list(range(1, 60, 2))


def test_the_second_cell_finds_most_of_what_the_border_hides():
    uids, rows = captions(0, n=2000, d=24, noise=0.2)
    expected = set(brute_force(uids, rows, 0.1).uid)
    found = [set(semantic_duplicates(uids, rows, 0.1, cells=40, probe=probe).uid) for probe in (False, True)]
    alone, probed = (len(expected & uids) / len(expected) for uids in found)
    assert 0.85 < alone < 0.95
    assert probed > 0.99


def test_uids_may_be_strings_and_nothing_may_be_found():
    rows = np.array([[1.0, 0], [0, 1], [1, 0.01]])
    found = semantic_duplicates(np.array(["b", "c", "a"]), rows, 0.01)
    assert found[["uid", "duplicate_of"]].values.tolist() == [["b", "a"]]
    assert len(semantic_duplicates(np.array(["b", "c"]), np.eye(2), 0.5)) == 0
    empty = semantic_duplicates(np.array([], dtype=np.uint64), np.zeros((0, 3)), 0.5)
    assert empty.columns.tolist() == ["uid", "duplicate_of", "cosine"]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"eps": 0}, "eps 0"),
        ({"eps": 1.0}, "eps 1"),
        ({"cells": 0}, "at least one"),
        ({"uids": np.array([1, 1])}, "a uid stands twice"),
        ({"uids": np.array([1])}, "one uid a row"),
        ({"embeddings": np.array([[0.0, 0], [1, 1]])}, "row 0 is zero"),
        ({"embeddings": np.array([[1.0, 0], [1, np.inf]])}, "row 1 is zero or not finite"),
    ],
)
def test_mistakes_are_named(changed, match):
    values = {"uids": np.array([1, 2]), "embeddings": np.eye(2), "eps": 0.1} | changed
    with pytest.raises(DataError, match=match):
        semantic_duplicates(**values)


def test_cells_part_what_lies_apart():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 4, 400)
    rows = torch.from_numpy(unit_rows(10 * np.eye(6)[groups] + rng.normal(size=(400, 6)), "rows"))
    centres = fit_centres(rows, np.arange(400), 12, seed=0)
    nearest = nearest_cells(rows, centres, 1).numpy()
    assert all(len(set(groups[cell])) <= 1 for cell in cell_members(nearest, 12))
    np.testing.assert_allclose(centres.norm(dim=1), 1, atol=1e-5)


def test_the_members_of_cells_are_ascending_and_stand_in_all_their_cells():
    members = cell_members(np.array([[1, 0], [3, 1], [1, 3]]), 4)
    assert [cell.tolist() for cell in members] == [[0], [0, 1, 2], [], [1, 2]]


def test_there_are_as_many_cells_as_keep_them_small_and_assignment_cheap():
    assert [default_cells(n) for n in (0, 10, 5000, 1_000_000, 5_500_000)] == [1, 1, 10, 2000, 4690]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(0, 30), st.integers(1, 20))
def test_the_nearest_reference_is_the_largest_cosine(seed, n, m):
    rng = np.random.default_rng(seed)
    rows, references = rng.normal(size=(n, 5)), rng.normal(size=(m, 5)) * 7
    cosines = [[row @ other / np.linalg.norm(row) / np.linalg.norm(other) for other in references] for row in rows]
    np.testing.assert_allclose(nearest_evaluation(rows, references), [max(line) for line in cosines], atol=1e-6)


def test_references_are_compared_in_tiles(monkeypatch):
    rng = np.random.default_rng(0)
    rows, references = rng.normal(size=(50, 3)), rng.normal(size=(9000, 3))
    whole = nearest_evaluation(rows, references)
    monkeypatch.setattr(cells, "TILE_BYTES", 4 * 4096 * 3)
    np.testing.assert_allclose(nearest_evaluation(rows, references), whole, atol=1e-6)


@pytest.mark.parametrize(("shape", "match"), [((0, 3), "at least one"), ((2, 4), "one width"), ((3,), "matrix")])
def test_references_that_do_not_fit_are_refused(shape, match):
    with pytest.raises(DataError, match=match):
        nearest_evaluation(np.ones((2, 3)), np.ones(shape))
