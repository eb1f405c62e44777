"""A damaged store is found when it is read, said in one line, and made whole by encoding only what is damaged."""

import json
import os

import numpy as np
import pytest
from cache_examples import contents, flip
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import caption_table, image_table, image_writer, vectors_of, write_images, write_texts

from ligature.errors import StoreError
from ligature.store import EmbeddingStore, integrity
from ligature.store.integrity import check_store

TABLE, VECTORS = image_table(14), vectors_of(14)
SKIPPED = ("image-1", "image-5", "image-8", "image-9", "image-10", "image-11")
ASIDE = "; its manifest was set aside as manifest.json.damaged, so the next run keeps what is whole: embed again"


@pytest.fixture
def folder(tmp_path):
    """Shards of 3, 3 and 2 items; the third of the four spans was left out whole."""
    write_images(tmp_path / "whole", TABLE, VECTORS, skipped=SKIPPED)
    write_images(tmp_path / "store", TABLE, VECTORS, skipped=SKIPPED)
    return tmp_path / "store"


def array(folder, shard):
    return folder / f"img_emb/img_emb_{shard:05d}.npy"


def metadata(folder, shard):
    return folder / f"metadata/metadata_{shard:05d}.parquet"


DAMAGES = {
    "a flipped bit": flip,
    "a truncated file": lambda path: os.truncate(path, path.stat().st_size - 1),
    "an empty file": lambda path: os.truncate(path, 0),
    "a missing file": lambda path: path.unlink(),
}
every_damage = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())


def read(folder):
    store = EmbeddingStore.open(folder)
    return store.vectors(), store.metadata()


def repair(folder, table=TABLE, vectors=VECTORS, skipped=SKIPPED):
    """Runs the extraction once more; returns the ids of the items that it encoded."""
    writer, asked = image_writer(folder, table["id"]), []
    for rows in writer.pending(table):
        asked += rows["id"].to_list()
        used = ~rows["id"].isin(skipped)
        reasons = [{"id": name, "reason": "missing file"} for name in rows["id"][~used]]
        writer.append(vectors[rows.index[used]], rows[used], source_rows=len(rows), skipped=reasons)
    writer.finish()
    return asked


@every_damage
@pytest.mark.parametrize("file", [array, metadata])
@pytest.mark.parametrize(("shard", "rows"), [(0, slice(0, 4)), (1, slice(4, 8)), (2, slice(12, 14))])
def test_damage_is_found_named_and_only_its_shard_is_encoded_again(folder, tmp_path, damage, file, shard, rows, capsys):
    damage(file(folder, shard))
    with pytest.raises(StoreError) as caught:
        read(folder)
    line = str(caught.value)
    assert line.startswith(f"{file(folder, shard)}: ")
    assert line.endswith(ASIDE)
    assert "\n" not in line
    assert not (folder / "manifest.json").exists()
    with pytest.raises(StoreError, match=r"manifest.json: missing; the store is not complete"):
        EmbeddingStore.open(folder)
    others = {path: path.stat().st_mtime_ns for other in {0, 1, 2} - {shard} for path in [array(folder, other)]}
    assert repair(folder) == TABLE["id"][rows].to_list()
    assert f"repairing {folder}: of 3 shards 2 are whole and kept" in capsys.readouterr().err
    assert contents(folder) == contents(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in others} == others


@given(shard=st.sampled_from([0, 1, 2]), place=st.floats(0, 1, exclude_max=True), of_ids=st.booleans())
@settings(max_examples=25, deadline=None)
def test_no_flipped_bit_goes_unseen(tmp_path_factory, shard, place, of_ids):
    folder = tmp_path_factory.mktemp("store")
    write_images(folder, TABLE, VECTORS, skipped=SKIPPED)
    path = metadata(folder, shard) if of_ids else array(folder, shard)
    header = 0 if of_ids else 128  # of .npy: a bit of its padding or of the order of its keys changes no number
    flip(path, header + int(place * (path.stat().st_size - header)))
    with pytest.raises(StoreError, match=r"embed again$"):
        read(folder)


@every_damage
def test_damaged_scales_are_found_and_repaired(tmp_path, damage):
    table = image_table(5).assign(tokens=[2, 1, 3, 1, 2])
    spans = [slice(0, 6), slice(6, 9)]

    def extract(folder):
        writer, asked = image_writer(folder, table["id"], shard_rows=3, view="tokens-int8"), []
        for rows in writer.pending(table):
            asked.append(rows.index[0])
            writer.append(vectors_of(9)[spans[rows.index[0] // 3]], rows, source_rows=len(rows), flops=10 * len(rows))
        writer.finish()
        return asked

    extract(tmp_path / "whole")
    extract(tmp_path / "store")
    damage(tmp_path / "store/img_emb/scale_00001.npy")
    with pytest.raises(StoreError, match=r"scale_00001.npy: [^\n]*embed again$"):
        EmbeddingStore.open(tmp_path / "store").vectors()
    assert extract(tmp_path / "store") == [3]
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")


def test_shards_are_verified_when_the_first_of_their_rows_is_read(folder):
    flip(array(folder, 2))
    rows = EmbeddingStore.open(folder).stored_vectors()
    assert rows[np.arange(6)].shape == (6, 3)
    assert (folder / "manifest.json").exists()
    with pytest.raises(StoreError, match=r"img_emb_00002.npy: damaged"):
        rows[np.array([6])]
    with pytest.raises(StoreError, match=r"img_emb_00002.npy: damaged"):
        rows[np.array([7])]
    assert not (folder / "manifest.json").exists()


def test_a_process_hashes_a_shard_once_unless_its_file_changes(folder, monkeypatch):
    hashed = []

    def sha256():
        hashed.append(1)
        return digest()

    digest = integrity.hashlib.sha256
    monkeypatch.setattr(integrity.hashlib, "sha256", sha256)
    integrity._known.clear()
    EmbeddingStore.open(folder).vectors()
    first = len(hashed)
    EmbeddingStore.open(folder).vectors()
    assert (first, len(hashed)) == (3, 3)
    array(folder, 1).write_bytes(array(folder, 1).read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match=r"img_emb_00001.npy: damaged"):
        EmbeddingStore.open(folder).vectors()


def test_all_damaged_shards_are_found_by_one_repair(folder, tmp_path):
    for shard in (0, 1):
        flip(array(folder, shard))
    with pytest.raises(StoreError, match="img_emb_00000"):
        read(folder)
    flip(metadata(folder, 2))
    assert repair(folder) == [f"image-{row}" for row in (*range(8), 12, 13)]
    assert contents(folder) == contents(tmp_path / "whole")


def test_a_repair_that_is_killed_goes_on_and_keeps_what_it_had_not_reached(folder, tmp_path):
    for shard in (0, 1):
        flip(array(folder, shard))
    with pytest.raises(StoreError, match="img_emb_00000"):
        read(folder)
    writer = image_writer(folder, TABLE["id"])
    rows = next(writer.pending(TABLE))
    used = ~rows["id"].isin(SKIPPED)
    reasons = [{"id": "image-1", "reason": "missing file"}]
    writer.append(VECTORS[rows.index[used]], rows[used], source_rows=4, skipped=reasons)
    (folder / "img_emb/.img_emb_00001.npy.9.partial").write_bytes(b"half")
    assert repair(folder) == ["image-4", "image-5", "image-6", "image-7"]
    assert contents(folder) == contents(tmp_path / "whole")


@pytest.mark.parametrize("change", [{"shard_rows": 3}, {"encoder": {"name": "other"}}, {"view": "tokens"}])
def test_the_shards_of_another_extraction_are_not_kept(folder, change):
    flip(array(folder, 0))
    with pytest.raises(StoreError):
        read(folder)
    writer = image_writer(folder, TABLE["id"], **change)
    assert len(writer.remaining(TABLE)) >= 11
    for _ in writer.pending(TABLE):
        pass
    assert writer.shards == []


def test_items_that_came_back_do_not_push_whole_shards_away(folder):
    flip(array(folder, 0))
    with pytest.raises(StoreError):
        read(folder)
    assert repair(folder, skipped=()) == ["image-0", "image-1", "image-2", "image-3"]
    store = EmbeddingStore.open(folder)
    assert [shard.rows for shard in store.manifests[0].shards] == [4, 3, 2]
    ids = store.metadata()["id"].to_list()
    assert np.array_equal(store.vectors(), VECTORS.astype(np.float16)[[int(name[6:]) for name in ids]])


def test_a_shard_that_is_lost_for_good_leaves_no_file(folder):
    flip(array(folder, 1))
    with pytest.raises(StoreError):
        read(folder)
    repair(folder, skipped=TABLE["id"][4:12].to_list())
    store = EmbeddingStore.open(folder)
    assert [shard.name for shard in store.manifests[0].shards] == ["00000", "00002"]
    assert not array(folder, 1).exists()
    assert not metadata(folder, 1).exists()
    check_store(folder, store.manifests[0])


def test_a_manifest_that_is_none_is_set_aside_and_the_part_made_anew(folder, tmp_path):
    (folder / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"manifest.json: not a manifest \([^\n]*\); its manifest was set aside"):
        EmbeddingStore.open(folder)
    assert len(repair(folder)) == 14
    assert contents(folder) == contents(tmp_path / "whole")


def test_a_wrong_hash_in_the_manifest_costs_its_shard_alone(folder, tmp_path):
    facts = json.loads((folder / "manifest.json").read_text())
    facts["shards"][1]["sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(StoreError, match=r"img_emb_00001.npy: damaged"):
        read(folder)
    assert repair(folder) == ["image-4", "image-5", "image-6", "image-7"]
    assert contents(folder) == contents(tmp_path / "whole")


def test_a_manifest_that_cannot_be_set_aside_says_what_to_remove(folder, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    flip(array(folder, 0))
    monkeypatch.setattr(integrity.os, "replace", read_only)
    line = r"its manifest.json could not be set aside \(Read-only file system\): remove it, then embed again$"
    with pytest.raises(StoreError, match=line):
        read(folder)


def test_a_second_job_that_finds_the_damage_says_the_same(folder):
    flip(array(folder, 0))
    stores = [EmbeddingStore.open(folder) for _ in range(2)]
    lines = []
    for store in stores:
        with pytest.raises(StoreError) as caught:
            store.vectors()
        lines.append(str(caught.value))
    assert lines[0] == lines[1]


def test_a_store_of_before_metadata_was_hashed_is_read_and_its_ids_are_checked(folder):
    facts = json.loads((folder / "manifest.json").read_text())
    for shard in facts["shards"]:
        del shard["metadata_sha256"]
    (folder / "manifest.json").write_text(json.dumps(facts))
    assert len(read(folder)[1]) == 8
    TABLE[:3].to_parquet(metadata(folder, 0), index=False)
    with pytest.raises(StoreError, match=r"the ids do not match the manifest's hash; its manifest was set aside"):
        read(folder)


def test_looking_for_a_few_ids_verifies_too(tmp_path):
    texts = caption_table([f"image-{row}" for row in range(6)])
    write_texts(tmp_path, texts, vectors_of(6), texts["image_id"])
    flip(tmp_path / "text_emb/text_emb_00001.npy")
    with pytest.raises(StoreError, match=r"text_emb_00001.npy: damaged"):
        EmbeddingStore.open(tmp_path).find(texts["id"][:1].to_list())
