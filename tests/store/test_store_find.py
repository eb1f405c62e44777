import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import image_ids, image_table, vectors_of, write_images

from ligature.errors import StoreError
from ligature.store import EmbeddingStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Three parts of 7 items in shards of 4."""
    root = tmp_path_factory.mktemp("find")
    table, vectors = image_table(21), vectors_of(21)
    folders = [root / f"part-{part}" for part in range(3)]
    for part, folder in enumerate(folders):
        span = slice(7 * part, 7 * part + 7)
        write_images(folder, table[span].reset_index(drop=True), vectors[span])
    return EmbeddingStore.open(folders)


@given(rows=st.lists(st.integers(0, 20), unique=True))
@settings(max_examples=25, deadline=None)
def test_chosen_items_come_in_the_order_asked(store, rows):
    found = store.find([image_ids(21)[row] for row in rows])
    assert found.dtype == np.float16
    assert np.array_equal(found, store.vectors()[rows])


def test_an_item_that_is_not_there_is_named(store):
    with pytest.raises(StoreError, match="'image-99' is not in the store; embed it again"):
        store.find(["image-3", "image-99"])
