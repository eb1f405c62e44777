import os

import numpy as np
import pytest
from store_examples import ENCODER, SOURCE, files_under, image_ids, image_table, image_writer, vectors_of, write_images

from ligature.errors import StoreError
from ligature.store import EmbeddingStore
from ligature.store import writer as writer_module

TABLE, VECTORS = image_table(10), vectors_of(10)


def interrupted(folder, shards=1, skipped=()):
    """Writes the first shards of a store and stops there, as a killed run does."""
    writer = image_writer(folder, TABLE["id"])
    for _, rows in zip(range(shards), writer.pending(TABLE), strict=False):
        used = ~rows["id"].isin(skipped)
        reasons = [{"id": name, "reason": "missing file"} for name in rows["id"][~used]]
        writer.append(VECTORS[rows.index[used]], rows[used], source_rows=len(rows), skipped=reasons)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in files_under(folder)}


@pytest.mark.parametrize("shards", [0, 1, 2, 3])
def test_a_resumed_store_is_byte_for_byte_that_of_one_run(tmp_path, shards):
    write_images(tmp_path / "whole", TABLE, VECTORS, skipped=["image-2"])
    interrupted(tmp_path / "resumed", shards, skipped=["image-2"])
    with pytest.raises(StoreError, match="the store is not complete"):
        EmbeddingStore.open(tmp_path / "resumed")
    write_images(tmp_path / "resumed", TABLE, VECTORS, skipped=["image-2"])
    assert contents(tmp_path / "resumed") == contents(tmp_path / "whole")


def test_complete_shards_are_kept_and_only_the_rest_is_asked_for(tmp_path, capsys):
    interrupted(tmp_path, 2)
    before = (tmp_path / "img_emb/img_emb_00001.npy").stat().st_mtime_ns
    writer = image_writer(tmp_path, TABLE["id"])
    assert [shard.rows for shard in writer.shards] == [4, 4]
    assert np.array_equal(writer.stored(1), VECTORS[4:8].astype(np.float16))
    assert [rows["id"].to_list() for rows in writer.pending(TABLE)] == [["image-8", "image-9"]]
    assert f"resuming {tmp_path} at row 8 of 10" in capsys.readouterr().err
    assert (tmp_path / "img_emb/img_emb_00001.npy").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "other",
    [
        {"encoder": ENCODER | {"revision": "2"}},
        {"source": SOURCE | {"split": "test"}},
        {"shard_rows": 5},
        {"view": "tokens"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_shards_of_another_extraction_are_wiped(tmp_path, other):
    interrupted(tmp_path, 2)
    writer = image_writer(tmp_path, TABLE["id"], **other)
    assert (writer.shards, writer.source_rows) == ([], 0)
    assert files_under(tmp_path) == set()


def test_shards_of_other_items_are_wiped(tmp_path):
    interrupted(tmp_path, 2)
    assert image_writer(tmp_path, image_ids(9)).shards == []
    assert files_under(tmp_path) == set()


def test_a_complete_store_is_written_anew(tmp_path):
    write_images(tmp_path, TABLE, VECTORS)
    store = write_images(tmp_path, TABLE[:3], VECTORS[:3])
    assert store.rows == 3
    assert files_under(tmp_path) == {"manifest.json", "img_emb/img_emb_00000.npy", "metadata/metadata_00000.parquet"}


def test_what_a_killed_run_left_half_done_is_removed(tmp_path):
    write_images(tmp_path / "whole", TABLE, VECTORS)
    interrupted(tmp_path / "killed", 2)
    for name in ("img_emb/.img_emb_00002.npy.999.partial", "img_emb/img_emb_00002.npy", ".manifest.json.999.partial"):
        (tmp_path / "killed" / name).write_bytes(b"half")
    image_writer(tmp_path / "killed", TABLE["id"])
    assert files_under(tmp_path / "killed") == {
        "resume.json",
        *(f"img_emb/img_emb_0000{shard}.npy" for shard in range(2)),
        *(f"metadata/metadata_0000{shard}.parquet" for shard in range(2)),
    }
    write_images(tmp_path / "killed", TABLE, VECTORS)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_run_killed_between_manifest_and_clean_up_ends_well(tmp_path, monkeypatch):
    write = writer_module.Manifest.write

    def write_and_die(manifest, folder):
        write(manifest, folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer_module.Manifest, "write", write_and_die)
        with pytest.raises(KeyboardInterrupt):
            write_images(tmp_path, TABLE, VECTORS)
    assert {"resume.json", "manifest.json"} <= files_under(tmp_path)
    store = write_images(tmp_path, TABLE, VECTORS)
    assert np.array_equal(store.vectors(), VECTORS.astype(np.float16))
    assert "resume.json" not in files_under(tmp_path)


def test_an_interruption_while_a_shard_is_written_leaves_no_part_of_it(tmp_path, monkeypatch):
    interrupted(tmp_path, 1)
    before = contents(tmp_path)
    writer = image_writer(tmp_path, TABLE["id"])

    def half_saved(file, array):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(writer_module.np, "save", half_saved)
    with pytest.raises(KeyboardInterrupt):
        writer.append(VECTORS[4:8], TABLE[4:8], source_rows=4)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["", "not json", "{}"])
def test_an_unreadable_record_of_progress_means_a_fresh_start(tmp_path, text):
    interrupted(tmp_path, 1)
    (tmp_path / "resume.json").write_text(text)
    assert image_writer(tmp_path, TABLE["id"]).source_rows == 0


def test_a_file_where_the_folder_should_stand_is_one_line(tmp_path):
    blocked = tmp_path / "results"
    blocked.write_text("a file")
    for folder in (blocked, blocked / "embeddings" / "part-00000"):
        with pytest.raises(StoreError) as caught:
            image_writer(folder, TABLE["id"])
        assert str(caught.value) == f"{folder}: cannot be written (Not a directory); choose another --results"
    assert blocked.read_text() == "a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        image_writer(tmp_path / "part", TABLE["id"])
