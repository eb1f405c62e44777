import json

import numpy as np
import pandas as pd
import pytest
from store_examples import ENCODER, image_table, vectors_of, write_images

from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Manifest

ARRAY, METADATA = "img_emb/img_emb_00000.npy", "metadata/metadata_00000.parquet"


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path / "store", image_table(6), vectors_of(6))
    return tmp_path / "store"


def test_a_store_without_manifest_is_not_complete(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(
        StoreError, match=r"manifest.json: missing; the store is not complete, run its embed step again$"
    ):
        EmbeddingStore.open(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"shards": 3}', '{"shards": [], "colour": "red"}'])
def test_a_broken_manifest_is_one_line(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest.json: not a manifest \(.*\); remove the folder and embed again$"):
        Manifest.read(folder)


@pytest.mark.parametrize("length", [0, 40, -1])
def test_a_truncated_array_is_one_line_with_its_file(folder, length):
    data = (folder / ARRAY).read_bytes()
    (folder / ARRAY).write_bytes(data[:length])
    with pytest.raises(
        StoreError, match=r"img_emb_00000.npy: cannot be read \(.*\); its manifest was set aside as [^\n]*embed again$"
    ):
        EmbeddingStore.open(folder).vectors()


def test_a_missing_array_is_one_line_with_its_file(folder):
    (folder / ARRAY).unlink()
    with pytest.raises(StoreError, match=r"img_emb_00000.npy: cannot be read"):
        EmbeddingStore.open(folder).vectors()


def test_an_array_of_another_size_contradicts_the_manifest(folder):
    np.save(folder / ARRAY, np.zeros((4, 2), np.float16))
    with pytest.raises(
        StoreError, match=r"has shape \(4, 2\), its manifest says \(4, 3\); its manifest[^\n]*embed again$"
    ):
        EmbeddingStore.open(folder).vectors()


def test_an_array_of_python_objects_is_never_unpickled(folder):
    np.save(folder / ARRAY, np.array([[{"any": "thing"}]], dtype=object), allow_pickle=True)
    with pytest.raises(StoreError, match="cannot be read"):
        EmbeddingStore.open(folder).vectors()


def renamed(table):
    return table.assign(id=["other", *table["id"][1:]])


def turned(table):
    return table[::-1]


def lengthened(table):
    return pd.concat([table, table.assign(id="more")])


@pytest.mark.parametrize("tamper", [renamed, turned, lengthened, lambda table: table[1:]])
@pytest.mark.parametrize("shard", ["00000", "00001"])
def test_ids_other_than_those_of_the_manifest_are_detected(folder, shard, tamper):
    path = folder / f"metadata/metadata_{shard}.parquet"
    tamper(pd.read_parquet(path)).to_parquet(path, index=False)
    with pytest.raises(
        StoreError, match=rf"metadata_{shard}.parquet: metadata damaged, it is not what was written \(.*embed again$"
    ):
        EmbeddingStore.open(folder).metadata()


@pytest.mark.parametrize("data", [b"", b"not parquet", None])
def test_broken_or_missing_metadata_is_one_line_with_its_file(folder, data):
    (folder / METADATA).unlink()
    if data is not None:
        (folder / METADATA).write_bytes(data)
    with pytest.raises(StoreError, match=r"^[^\n]+store/metadata/metadata_00000.parquet: metadata [^\n]*embed again$"):
        EmbeddingStore.open(folder).metadata()


def test_tampering_with_one_part_of_several_is_detected_and_named(folder, tmp_path):
    write_images(tmp_path / "next", image_table(3), vectors_of(3))
    path = tmp_path / "next" / METADATA
    renamed(pd.read_parquet(path)).to_parquet(path, index=False)
    with pytest.raises(StoreError, match=r"next/metadata/metadata_00000.parquet: metadata damaged"):
        EmbeddingStore.open([folder, tmp_path / "next"]).metadata()


@pytest.mark.parametrize(
    ("encoder", "keys"),
    [({"name": "other"}, "name, pooling"), (ENCODER | {"pooling": "mean"}, "pooling"), (ENCODER | {"x": 1}, "x")],
)
def test_parts_of_different_encoders_are_refused(folder, tmp_path, encoder, keys):
    write_images(tmp_path / "next", image_table(3), vectors_of(3), encoder=encoder)
    with pytest.raises(StoreError) as caught:
        EmbeddingStore.open([folder, tmp_path / "next"])
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'next'} ({encoder['name']!r}, revision None) and {folder} ('toy', revision")
    assert f"were not made by one encoder ({keys} differ); embed both again" in line


def test_parts_of_different_widths_are_refused(folder, tmp_path):
    write_images(tmp_path / "next", image_table(3), vectors_of(3, 4))
    with pytest.raises(StoreError) as caught:
        EmbeddingStore.open([folder, tmp_path / "next"])
    assert str(caught.value) == f"{tmp_path / 'next'} and {folder} hold different kinds of vectors; embed both again"


def test_one_part_may_be_named_by_path_or_text(folder):
    assert EmbeddingStore.open(str(folder)) == EmbeddingStore.open(folder) == EmbeddingStore.open([folder])


def test_the_hash_of_items_counts_every_part_in_order(folder, tmp_path):
    write_images(tmp_path / "next", image_table(3), vectors_of(3))
    orders = [[folder], [folder, tmp_path / "next"], [tmp_path / "next", folder]]
    assert len({EmbeddingStore.open(order).items_hash for order in orders}) == 3


def test_manifest_survives_writing_and_reading(folder, tmp_path):
    manifest = Manifest.read(folder)
    (tmp_path / "copy").mkdir()
    manifest.write(tmp_path / "copy")
    assert Manifest.read(tmp_path / "copy") == manifest
    assert json.loads((tmp_path / "copy/manifest.json").read_text())["rows"] == 6
