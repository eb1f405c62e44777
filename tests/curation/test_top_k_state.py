import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.curation.state import TopK, best_first
from ligature.errors import DamagedError, DataError


def state(seed, k=6, rows=9, concepts=3, uids=None):
    """The state of a few of 30 rows, whose scores depend on uid and concept alone."""
    rng = np.random.default_rng(seed)
    table = np.random.default_rng(0).integers(-3, 4, (concepts, 30)).astype(np.float32) / 8
    chosen = rng.permutation(30)[:rows]
    orders = [chosen[best_first(row[chosen], chosen)][:k] for row in table]
    scores = np.stack([row[order] for row, order in zip(table, orders, strict=True)])
    return TopK.of(scores, np.stack(orders) if uids is None else np.asarray(uids)[np.stack(orders)], k, rows)


def same(first, second):
    return (
        np.array_equal(first.scores, second.scores)
        and np.array_equal(first.uids, second.uids)
        and first.uids.dtype == second.uids.dtype
    )


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3), st.integers(1, 12), st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_merges_associate_commute_and_repeat(seeds, k, rows):
    a, b, c = (state(seed, k, rows) for seed in seeds)
    assert same(a.merge(b), b.merge(a))
    assert same(a.merge(b).merge(c), a.merge(b.merge(c)))
    assert same(a.merge(a), a)
    assert a.merge(b).merge(c).seen == 3 * rows


def test_a_uid_in_both_counts_once_with_its_better_score():
    a = TopK.of(np.float32([[0.5, 0.4]]), np.array([[1, 2]]), 2, 2)
    b = TopK.of(np.float32([[0.9, 0.1]]), np.array([[2, 3]]), 2, 2)
    merged = a.merge(b)
    assert merged.uids.tolist() == [[2, 1]]
    assert merged.scores.tolist() == [[np.float32(0.9), 0.5]]


def test_a_merge_takes_the_width_of_the_text_it_keeps():
    a = TopK.of(np.float32([[0.5]]), np.array([["x"]]), 1, 1)
    b = TopK.of(np.float32([[0.2]]), np.array([["longer"]]), 1, 1)
    assert a.merge(b).uids.dtype == "<U1"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (state(1, k=5), "k = 6 and k = 5"),
        (state(1, concepts=2), "3 and 2 concepts"),
        (state(1, uids=[f"{i}" for i in range(30)]), "int64 and <U2"),
    ],
)
def test_states_that_do_not_belong_together_do_not_merge(other, message):
    with pytest.raises(DataError, match=message):
        state(0).merge(other)


@given(st.lists(st.floats(-1, 1, width=32), max_size=50), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_best_first_is_the_order_of_a_sort_by_two_keys(scores, seed):
    scores = np.float32(scores)
    uids = np.random.default_rng(seed).permutation(len(scores))
    assert best_first(scores, uids).tolist() == np.lexsort((uids, -scores)).tolist()


@pytest.mark.parametrize("uids", [None, np.arange(30, dtype=np.uint64), [f"é{i}" for i in range(30)]])
def test_a_state_comes_back_from_disk_with_its_metadata(tmp_path, uids):
    before, metadata = state(4, uids=uids), {"concepts": ["Hund", "кот"], "encoder": {"id": "a"}}
    before.save(tmp_path / "a.safetensors", metadata)
    before.save(tmp_path / "b.safetensors", dict(reversed(metadata.items())))
    after, found = TopK.load(tmp_path / "a.safetensors")
    assert same(after, before)
    assert (after.k, after.seen, found) == (before.k, before.seen, metadata)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_state_with_any_byte_changed_or_lost_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    state(5).save(path, {})
    whole = path.read_bytes()
    places = range(0, len(whole), 3)
    for damaged in [
        whole[:-1],
        whole[:20],
        b"",
        *(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in places),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match=r"a\.safetensors: damaged"):
            TopK.load(path)


def test_a_missing_state_is_an_error_of_one_line(tmp_path):
    with pytest.raises(DataError, match="missing") as caught:
        TopK.load(tmp_path / "none.safetensors")
    assert "\n" not in str(caught.value)


def test_a_failed_save_leaves_the_old_state(tmp_path):
    path = tmp_path / "a.safetensors"
    state(6).save(path, {"part": 1})
    with pytest.raises(ValueError, match="JSON"):
        state(7).save(path, {"part": float("nan")})
    assert TopK.load(path)[1] == {"part": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]
