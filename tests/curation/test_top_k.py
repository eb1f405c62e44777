import importlib
import re

import numpy as np
import pytest
import torch
from curation_reference import grid_rows, plain_top_k
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.curation.shortlist import Shortlists
from ligature.curation.top_k import top_k
from ligature.errors import DataError, ParamsError

module = importlib.import_module("ligature.curation.top_k")


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Tiles of 256 rows, products of 128 and blocks of 4 concepts, so that small inputs fill several."""
    monkeypatch.setattr(module, "TILE_ROWS", 256)
    monkeypatch.setattr(module, "PRODUCT_ROWS", 128)
    monkeypatch.setattr(module, "BLOCK_CONCEPTS", 4)


def pool(count=3000, width=16, concepts=7, seed=0):
    rng = np.random.default_rng(seed)
    uids = rng.permutation(np.arange(10 * count, dtype=np.uint64))[:count] << np.uint64(40)
    return uids, rng.standard_normal((count, width), dtype=np.float32), rng.standard_normal((concepts, width))


def in_batches(uids, rows, *cuts):
    return list(zip(np.split(uids, cuts), np.split(rows, cuts), strict=True))


def same_bits(first, second):
    return (
        first.scores.tobytes() == second.scores.tobytes()
        and first.uids.tobytes() == second.uids.tobytes()
        and first.uids.dtype == second.uids.dtype
        and (first.k, first.seen) == (second.k, second.seen)
    )


@pytest.mark.parametrize("k", [1, 10, 900, 3000])
def test_the_best_rows_are_those_of_a_full_sort(k):
    uids, rows, prototypes = pool()
    found = top_k(in_batches(uids, rows, 500, 501, 2000), prototypes, k)
    scores, best = plain_top_k(uids, rows, prototypes, k)
    np.testing.assert_allclose(found.scores, scores, atol=1e-6)
    assert (found.uids == best).all()
    assert found.scores.dtype == np.float32
    assert (found.k, found.seen) == (k, 3000)


def test_long_lists_are_thinned_without_loss(monkeypatch):
    monkeypatch.setattr("ligature.curation.shortlist.SPARE", 8)
    uids, rows, prototypes = pool(count=6000)
    found = top_k([(uids, rows)], prototypes, 300)
    assert (found.uids == plain_top_k(uids, rows, prototypes, 300)[1]).all()


@pytest.mark.parametrize("falling", [True, False])
def test_rows_that_come_in_the_order_of_their_scores_are_kept_as_others(monkeypatch, falling):
    monkeypatch.setattr("ligature.curation.shortlist.SPARE", 8)
    angles = np.linspace(0.1, 1.5, 2000)[:: 1 if falling else -1]
    rows, uids = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.arange(2000)
    found = top_k([(uids, rows.astype(np.float32))], np.array([[1.0, 0.0]]), 50)
    assert found.uids[0].tolist() == (list(range(50)) if falling else list(range(1999, 1949, -1)))


@pytest.mark.parametrize("kind", [np.uint64, np.int32, str])
def test_equal_scores_are_ordered_by_uid_for_every_kind_of_uid(monkeypatch, kind):
    monkeypatch.setattr("ligature.curation.shortlist.SPARE", 8)
    rng = np.random.default_rng(1)
    rows, prototypes = grid_rows(rng, 2000, 4), grid_rows(rng, 5, 4)
    uids = rng.permutation(2000).astype(kind)
    found = top_k(in_batches(uids, rows, 700), prototypes, 150)
    scores, best = plain_top_k(uids, rows, prototypes, 150)
    assert (found.uids == best).all()
    assert (found.scores == scores).all()


def test_of_identical_rows_the_smallest_uids_stay():
    rows, uids = np.ones((5000, 3), dtype=np.float16), np.random.default_rng(2).permutation(5000)
    found = top_k([(uids, rows)], np.eye(3), 1000)
    assert (found.uids == np.arange(1000)).all()


def test_zeros_of_either_sign_are_equal_scores():
    rows = np.array([[0, -1], [0, 1], [0, -1], [1, 0]], dtype=np.float32)
    found = top_k([(np.array([4, 3, 2, 1]), rows)], np.array([[-1.0, 0.0], [1.0, 0.0]]), 4)
    assert found.uids.tolist() == [[2, 3, 4, 1], [1, 2, 3, 4]]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 900), max_size=8), st.integers(1, 400))
@settings(max_examples=20, deadline=None)
def test_batches_order_and_parts_do_not_change_a_bit(seed, cuts, k):
    uids, rows, prototypes = pool(count=900, width=33, seed=seed)
    whole = top_k([(uids, rows)], prototypes, k)
    order = np.random.default_rng(seed).permutation(900)
    batches = in_batches(uids[order], rows[order], *sorted(cuts))
    assert same_bits(top_k(batches, prototypes, k), whole)
    states = [top_k([batch], prototypes, k) for batch in batches if len(batch[0])]
    merged = states.pop()
    while states:
        merged = merged.merge(states.pop(seed % len(states)))
    assert same_bits(merged, whole)


@pytest.mark.parametrize("width", [1, 3, 31, 64, 500])
def test_a_row_scores_the_same_wherever_it_stands_in_a_tile(monkeypatch, width):
    monkeypatch.undo()
    rng = np.random.default_rng(3)
    row, prototypes = rng.standard_normal((1, width)), rng.standard_normal((37, width))
    uids = np.arange(module.PRODUCT_ROWS + 5)
    found = top_k([(uids, np.repeat(row, len(uids), axis=0).astype(np.float32))], prototypes, len(uids))
    assert (found.scores == found.scores[:, :1]).all()


def test_half_precision_tensors_are_read_as_arrays_are():
    uids, rows, prototypes = pool(count=400)
    rows = rows.astype(np.float16)
    tensors = torch.from_numpy(uids.astype(np.int64)), torch.from_numpy(rows)
    found = top_k([tensors], torch.from_numpy(prototypes), 20)
    assert same_bits(found, top_k([(uids.astype(np.int64), rows)], prototypes, 20))


def test_lengths_do_not_matter_and_inputs_stay_as_they_are():
    uids, rows, prototypes = pool(count=400)
    before = rows.copy(), prototypes.copy()
    found = top_k([(uids, rows)], prototypes, 20)
    assert same_bits(found, top_k([(uids, 4 * rows)], prototypes / 2, 20))
    assert (rows == before[0]).all()
    assert (prototypes == before[1]).all()


def test_text_uids_may_grow_longer_from_tile_to_tile():
    _, rows, prototypes = pool(count=600)
    names = [f"{i}" if i < 300 else f"caption-{i:08d}" for i in range(600)]
    batches = [(names[:300], rows[:300]), (names[300:], rows[300:])]
    found = top_k(batches, prototypes, 600)
    assert sorted(found.uids[0].tolist()) == sorted(names)
    assert found.uids.dtype == "<U16"


def test_all_rows_are_kept_where_k_is_larger_than_the_pool():
    uids, rows, prototypes = pool(count=700)
    found = top_k(in_batches(uids, rows, 300), prototypes, 10**6)
    assert found.scores.shape == found.uids.shape == (7, 700)
    assert (found.uids == plain_top_k(uids, rows, prototypes, 700)[1]).all()


def test_lists_grow_as_rows_come():
    lists = Shortlists(2, 5000, 3, lambda rows: rows)
    scores = np.linspace(0, 1, 40, dtype=np.float32)
    lists.extend(0, scores, 0)
    lists.extend(1, scores, np.arange(40))
    assert lists.best(40, np.arange(40, dtype=np.int32))[1].tolist() == [list(range(39, -1, -1))] * 2


def test_the_path_of_devices_finds_the_same_rows(monkeypatch):
    uids, rows, prototypes = pool()
    host = top_k(in_batches(uids, rows, 700), prototypes, 100)
    monkeypatch.setattr(module, "_HostScorer", module._DeviceScorer)
    device = top_k(in_batches(uids, rows, 700), prototypes, 100)
    assert (device.uids == host.uids).all()
    np.testing.assert_allclose(device.scores, host.scores, atol=1e-6)


def test_a_device_set_to_lower_precision_is_refused(monkeypatch):
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    with pytest.raises(ParamsError, match="highest"):
        top_k([], np.eye(2), 1, device="cuda")


def spoilt(rows, value):
    rows = rows.copy()
    rows[3] = value
    return rows


UIDS, ROWS = np.arange(10, 15), np.eye(5, dtype=np.float32)
MISTAKES = {
    "k = 0": ([(UIDS, ROWS)], np.eye(5), 0),
    "prototype 3 is zero": ([(UIDS, ROWS)], spoilt(np.eye(5), 0), 2),
    "prototype 3 is zero or not finite (length nan)": ([(UIDS, ROWS)], spoilt(np.eye(5), np.nan), 2),
    "prototypes: expected a matrix": ([(UIDS, ROWS)], np.ones(5), 2),
    "uid 13 is zero or not finite (length nan)": ([(UIDS, spoilt(ROWS, np.nan))], np.eye(5), 2),
    "uid 13 is zero or not finite (length inf)": ([(UIDS, spoilt(ROWS, np.inf))], np.eye(5), 2),
    "uid 13 is zero or not finite (length 0.0)": ([(UIDS, spoilt(ROWS, 0))], np.eye(5), 2),
    "prototypes are 4 wide": ([(UIDS, ROWS)], np.eye(4), 2),
    "batch 1 has uids (4,)": ([(UIDS, ROWS), (UIDS[1:], ROWS)], np.eye(5), 2),
    "the stream is empty": ([(UIDS[:0], ROWS[:0])], np.eye(5), 2),
    "uid 12 comes twice": ([(UIDS, ROWS), (UIDS[2:3], ROWS[2:3])], np.eye(5), 2),
    "batch 1 has uids of int32": ([(UIDS, ROWS), (np.arange(5, dtype=np.int32), ROWS)], np.eye(5), 2),
    "batch 0 has uids of float64": ([(UIDS / 2, ROWS)], np.eye(5), 2),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_is_wrong(message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        top_k(*MISTAKES[message])
    assert "\n" not in str(caught.value)


def test_rows_of_several_tiles_are_found_again(monkeypatch):
    monkeypatch.setattr(module, "TILE_ROWS", 4)
    seen = [np.array(["a", "b", "c", "d"]), np.array(["eee", "f", "g", "h"]), np.array(["i"])]
    assert module._uids_of(seen, np.array([8, 4, 0, 3, 4], np.int32)).tolist() == ["i", "eee", "a", "d", "eee"]
