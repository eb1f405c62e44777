import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import ENCODER, SOURCE, files_under, image_ids, image_table, image_writer, vectors_of, write_images

from ligature import __version__
from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Manifest
from ligature.store.hashing import hash_strings


@given(rows=st.integers(1, 23), dims=st.integers(1, 9), shard_rows=st.integers(1, 10), parts=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_read_back_over_shards_and_parts(rows, dims, shard_rows, parts):
    table, vectors = image_table(rows * parts), vectors_of(rows * parts, dims)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / f"part-{part}" for part in range(parts)]
        for part, folder in enumerate(folders):
            span = slice(part * rows, (part + 1) * rows)
            write_images(folder, table[span].reset_index(drop=True), vectors[span], shard_rows=shard_rows)
        store = EmbeddingStore.open(folders)
        assert (store.rows, store.dims, store.view, store.encoder) == (rows * parts, dims, "pooled", ENCODER)
        assert np.array_equal(store.vectors(), vectors.astype(np.float16))
        pd.testing.assert_frame_equal(store.metadata(), table, check_dtype=False)
        sizes = [len(array) for array in store.arrays()]
        assert max(sizes) <= shard_rows
        assert len(sizes) == parts * -(-rows // shard_rows)


def test_the_layout_is_that_of_embedding_reader_and_needs_no_ligature_to_read(tmp_path):
    table, vectors = image_table(6), vectors_of(6)
    write_images(tmp_path, table, vectors)
    assert files_under(tmp_path) == {
        "manifest.json",
        "img_emb/img_emb_00000.npy",
        "img_emb/img_emb_00001.npy",
        "metadata/metadata_00000.parquet",
        "metadata/metadata_00001.parquet",
    }
    arrays = [np.load(path) for path in sorted((tmp_path / "img_emb").iterdir())]
    tables = [pd.read_parquet(path) for path in sorted((tmp_path / "metadata").iterdir())]
    assert [len(part) for part in arrays] == [len(part) for part in tables] == [4, 2]
    assert np.array_equal(np.concatenate(arrays), vectors.astype(np.float16))
    assert pd.concat(tables)["id"].to_list() == table["id"].to_list()


def test_arrays_are_memory_mapped_and_read_only(tmp_path):
    store = write_images(tmp_path, image_table(3), vectors_of(3))
    array = store.vectors()
    assert isinstance(array, np.memmap)
    assert array.dtype == np.float16
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_the_manifest_states_the_facts(tmp_path):
    table, vectors = image_table(6), vectors_of(6)
    write_images(tmp_path, table, vectors, skipped=["image-1"])
    kept = table.drop(index=1)
    facts = json.loads((tmp_path / "manifest.json").read_text())
    stored = vectors.astype(np.float16)[[0, 2, 3]]
    hashes = [shard.pop("metadata_sha256") for shard in facts["shards"]]
    assert hashes == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((tmp_path / "metadata").iterdir())
    ]
    assert facts == {
        "modality": "image",
        "view": "pooled",
        "rows": 5,
        "dims": 3,
        "dtype": "float16",
        "ids_hash": hash_strings(kept["id"]),
        "items_hash": hash_strings(table["id"]),
        "source": SOURCE | {"contents_hash": hash_strings(kept["sha256"])},
        "encoder": ENCODER,
        "shards": [
            {"name": "00000", "rows": 3, "vectors": 3, "sha256": hashlib.sha256(stored.tobytes()).hexdigest()},
            {"name": "00001", "rows": 2, "vectors": 2, "sha256": facts["shards"][1]["sha256"]},
        ],
        "skipped": [{"id": "image-1", "reason": "missing file"}],
        "truncated": {},
        "code_version": __version__,
        "flops": 0,
    }
    assert Manifest.read(tmp_path) == EmbeddingStore.open(tmp_path).manifests[0]


def test_the_hash_of_ids_changes_with_their_order_and_the_contents_hash_with_the_contents(tmp_path):
    table, vectors = image_table(5), vectors_of(5)
    plain = write_images(tmp_path / "plain", table, vectors).manifests[0]
    turned = write_images(tmp_path / "turned", table[::-1].reset_index(drop=True), vectors).manifests[0]
    edited = write_images(tmp_path / "edited", table.assign(sha256="0" * 32), vectors).manifests[0]
    assert len({plain.ids_hash, turned.ids_hash}) == len({plain.items_hash, turned.items_hash}) == 2
    assert edited.ids_hash == plain.ids_hash
    assert edited.source["contents_hash"] != plain.source["contents_hash"]


def test_same_input_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_images(tmp_path / name, image_table(9), vectors_of(9))
    for file in files_under(tmp_path / "one"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_a_token_store_counts_the_vectors_of_every_item(tmp_path):
    table = image_table(5).assign(tokens=[2, 0, 3, 1, 2])
    vectors = vectors_of(8)
    writer = image_writer(tmp_path, table["id"], shard_rows=3, view="tokens")
    for rows, span in zip(writer.pending(table), (slice(0, 5), slice(5, 8)), strict=True):
        writer.append(vectors[span], rows, source_rows=len(rows))
    manifest = writer.finish()
    assert [(shard.rows, shard.vectors) for shard in manifest.shards] == [(3, 5), (2, 3)]
    store = EmbeddingStore.open(tmp_path)
    assert (store.rows, store.view) == (5, "tokens")
    assert np.array_equal(store.vectors(), vectors.astype(np.float16))
    assert store.metadata()["tokens"].to_list() == [2, 0, 3, 1, 2]


def test_vectors_and_rows_that_disagree_are_refused(tmp_path):
    writer = image_writer(tmp_path, image_ids(3))
    with pytest.raises(StoreError, match=r"2 vectors for 3 expected"):
        writer.append(vectors_of(2), image_table(3), source_rows=3)


def test_a_shard_whose_items_were_all_skipped_leaves_no_file(tmp_path):
    store = write_images(tmp_path, image_table(10), vectors_of(10), skipped=image_ids(8)[4:])
    assert [shard.name for shard in store.manifests[0].shards] == ["00000", "00001"]
    assert store.metadata()["id"].to_list() == ["image-0", "image-1", "image-2", "image-3", "image-8", "image-9"]
    assert np.array_equal(store.vectors(), vectors_of(10).astype(np.float16)[[0, 1, 2, 3, 8, 9]])
    assert store.skipped_ids == {"image-4", "image-5", "image-6", "image-7"}


def test_a_store_of_nothing_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"nothing could be embedded; check the data set and the skipped items$"):
        write_images(tmp_path, image_table(3), vectors_of(3), skipped=image_ids(3))
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize("bad", [1e6, -np.inf, np.nan])
def test_a_value_that_float16_cannot_hold_names_the_item_and_the_encoder(tmp_path, bad):
    vectors = vectors_of(6)
    vectors[5, 1] = bad
    with pytest.raises(StoreError, match=r"'image-5' are not finite in float16; encoder 'toy'"):
        write_images(tmp_path, image_table(6), vectors)
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("row", "item"), [(0, "image-0"), (2, "image-2"), (4, "image-2"), (5, "image-4"), (6, "image-4")]
)
def test_a_bad_token_names_the_item_it_belongs_to(tmp_path, row, item):
    vectors = vectors_of(7)
    vectors[row, 0] = np.nan
    table = image_table(5).assign(tokens=[2, 0, 3, 0, 2])
    with pytest.raises(StoreError, match=f"'{item}' are not finite"):
        image_writer(tmp_path, table["id"], view="tokens").append(vectors, table, source_rows=5)


def test_truncated_texts_are_a_running_record(tmp_path):
    table = image_table(6)
    writer = image_writer(tmp_path, table["id"])
    for count, rows in enumerate(writer.pending(table), start=1):
        record = {"count": count, "max_tokens": 8, "longest": 9}
        writer.append(vectors_of(len(rows)), rows, source_rows=len(rows), truncated=record)
    assert writer.finish().truncated == {"count": 2, "max_tokens": 8, "longest": 9}
