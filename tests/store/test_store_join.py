import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import caption_table, image_ids, image_table, vectors_of, write_images, write_texts

from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Join, join_stores


def stores(folder, owners, *, images=4, skipped=(), text_items=None):
    """Writes an image store and a text store with one caption for each image id in ``owners``."""
    image_store = write_images(folder / "images", image_table(images), vectors_of(images), skipped=skipped)
    items = image_ids(images) if text_items is None else text_items
    return image_store, write_texts(folder / "texts", caption_table(owners), vectors_of(len(owners), seed=1), items)


def plain_join(image_names, owners):
    """Returns (text row, image row) of every text whose image is there."""
    return [(row, image_names.index(owner)) for row, owner in enumerate(owners) if owner in image_names]


@given(
    images=st.integers(2, 9),
    captions=st.lists(st.integers(0, 8), min_size=1, max_size=20),
    lost=st.sets(st.integers(1, 8), max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_every_text_finds_its_image_and_texts_of_skipped_images_drop_out(images, captions, lost):
    owners = [f"image-{number % images}" for number in captions]
    skipped = [f"image-{number}" for number in lost if number < images]
    with tempfile.TemporaryDirectory() as name:
        joined = join_stores(*stores(Path(name), owners, images=images, skipped=skipped))
    names = [name for name in image_ids(images) if name not in skipped]
    pairs = list(zip(joined.text_rows.tolist(), joined.image_of_text.tolist(), strict=True))
    assert pairs == plain_join(names, owners)
    assert joined.images["id"].to_list() == names
    assert joined.texts["image_id"].to_list() == [names[row] for row in joined.image_of_text]
    assert joined.image_of_text.dtype == np.int64


def test_images_without_a_text_stay(tmp_path):
    joined = join_stores(*stores(tmp_path, ["image-3", "image-3", "image-1"]))
    assert isinstance(joined, Join)
    assert joined.images["id"].to_list() == image_ids(4)
    assert joined.image_of_text.tolist() == [3, 3, 1]
    assert joined.texts["text"][2] == "caption image-1#2"


def test_parts_join_as_one(tmp_path):
    for part in ("a", "b"):
        table = image_table(3).assign(id=[f"{part}-{name}" for name in image_ids(3)])
        write_images(tmp_path / f"images-{part}", table, vectors_of(3), skipped=["b-image-0"])
        texts = caption_table([*table["id"], table["id"][0]])
        write_texts(tmp_path / f"texts-{part}", texts, vectors_of(4), table["id"])
    images, texts = (
        EmbeddingStore.open([tmp_path / f"{kind}-{part}" for part in ("a", "b")]) for kind in ("images", "texts")
    )
    joined = join_stores(images, texts)
    assert joined.text_rows.tolist() == [0, 1, 2, 3, 5, 6]
    assert joined.image_of_text.tolist() == [0, 1, 2, 0, 3, 4]


@pytest.mark.parametrize(
    "items",
    [
        image_ids(3),
        image_ids(5),
        image_ids(4)[::-1],
        ["other", *image_ids(4)[1:]],
        ["image-0image-1", *image_ids(4)[2:]],
    ],
    ids=["fewer", "more", "another order", "another image", "ids that join to the same text"],
)
def test_stores_of_different_images_are_refused_with_both_names(tmp_path, items):
    images, texts = stores(tmp_path, ["image-0"], text_items=items)
    with pytest.raises(StoreError) as caught:
        join_stores(images, texts)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'images'} and {tmp_path / 'texts'} hold different images or another order")
    assert message.endswith("embed both again")
    assert "\n" not in message


def test_as_many_parts_are_needed_on_both_sides(tmp_path):
    images, texts = stores(tmp_path, ["image-0"])
    twice = EmbeddingStore.open([*texts.folders, *texts.folders])
    with pytest.raises(StoreError, match="id hashes differ"):
        join_stores(images, twice)


def test_a_text_of_an_image_that_was_neither_embedded_nor_skipped_is_refused(tmp_path):
    images, texts = stores(tmp_path, ["image-0", "image-9"])
    with pytest.raises(
        StoreError, match=r"images and .*texts: image 'image-9' of a text is in neither; embed both again$"
    ):
        join_stores(images, texts)


def test_tampered_ids_do_not_join(tmp_path):
    images, texts = stores(tmp_path, ["image-0"])
    path = tmp_path / "images/metadata/metadata_00000.parquet"
    image_table(4)[::-1].to_parquet(path, index=False)
    with pytest.raises(StoreError, match=r"metadata_00000.parquet: metadata damaged"):
        join_stores(images, texts)
