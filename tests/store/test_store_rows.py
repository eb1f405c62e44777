"""Several arrays read as one, and stores of one encoder only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import ENCODER, image_table, vectors_of, write_images

from ligature.errors import StoreError
from ligature.store import EmbeddingStore
from ligature.store.reader import require_encoder
from ligature.store.rows import Rows


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=5), data=st.data())
@settings(max_examples=25, deadline=None)
def test_rows_are_those_of_the_arrays_copied_together(lengths, data):
    parts = [vectors_of(length, seed=seed) for seed, length in enumerate(lengths)]
    whole, rows = np.concatenate(parts), Rows([Rows(parts[:1]), *parts[1:]])
    assert (len(rows), rows.shape, rows.ndim, rows.dtype) == (len(whole), whole.shape, 2, whole.dtype)
    chosen = np.array(data.draw(st.lists(st.integers(0, max(len(whole) - 1, 0)), max_size=9 if len(whole) else 0)), int)
    assert np.array_equal(rows[chosen], whole[chosen])
    start, stop = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
    assert np.array_equal(rows[start:stop], whole[start:stop])


def test_only_the_arrays_that_are_asked_for_are_touched():
    class Untouchable(np.ndarray):
        def __getitem__(self, key):
            raise AssertionError("read")

    rows = Rows([vectors_of(3), vectors_of(3).view(Untouchable)])
    assert rows[np.array([2, 0])].shape == (2, 3)
    with pytest.raises(AssertionError, match="read"):
        rows[np.array([3])]


def test_the_shards_of_a_store_stay_memory_mapped(tmp_path):
    store = write_images(tmp_path, image_table(10), vectors_of(10))
    rows = store.stored_vectors()
    assert [type(part) for part in rows.parts] == [np.memmap] * 3
    assert np.array_equal(rows[np.array([9, 0, 4])], store.vectors()[[9, 0, 4]])


def test_a_store_of_the_encoder_that_is_expected_passes(tmp_path):
    store = write_images(tmp_path, image_table(3), vectors_of(3))
    require_encoder(store, dict(ENCODER))


@pytest.mark.parametrize(
    ("encoder", "key"), [({"revision": "two"}, "revision"), ({"revision": "one", "precision": "bfloat16"}, "precision")]
)
def test_another_revision_or_precision_is_one_line_naming_both(tmp_path, encoder, key):
    one = write_images(tmp_path / "one", image_table(3), vectors_of(3), encoder=ENCODER | {"revision": "one"})
    two = write_images(tmp_path / "two", image_table(3), vectors_of(3), encoder=ENCODER | encoder)
    line = (
        rf"two \('toy', revision {encoder['revision']}\) and [^\n]*one \('toy', revision one\) "
        rf"were not made by one encoder \({key} differ\); embed both again and train anew"
    )
    with pytest.raises(StoreError, match=line):
        require_encoder(two, one.encoder, one.folders[0])
    with pytest.raises(StoreError, match=line):
        EmbeddingStore.open([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(StoreError, match=r"and the projector \('toy', revision one\)"):
        require_encoder(two, one.encoder)
