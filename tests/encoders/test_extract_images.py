"""Extraction of images into stores: what is skipped, how shards are cut, killed runs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from tiny_models import (
    ARCHITECTURES,
    colour_encoder,
    contents,
    image_dataset,
    layout,
    letter_encoder,
    manifest,
    picture,
    vectors,
    vision_params,
)

from ligature.encoders import extract_images, extract_texts, load_vision_encoder
from ligature.encoders.images import read_image
from ligature.errors import DataError, StoreError
from ligature.params.encoders import EmbedParams
from ligature.store import EmbeddingStore, join_stores

PARAMS = EmbedParams(shard_rows=5, image_batch=3, max_skipped=0.5)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return image_dataset(tmp_path_factory.mktemp("images"), 12)


def broken(folder):
    """A data set of twelve images of which three cannot be used."""
    dataset = image_dataset(folder, 12)
    (folder / "002.jpg").unlink()
    (folder / "006.jpg").write_bytes((folder / "006.jpg").read_bytes()[:400])
    (folder / "007.jpg").write_text("404 not found")
    return dataset


def plain_vectors(encoder, dataset, view="pooled"):
    """One image at a time, in order."""
    rows = []
    for path in dataset.images["path"]:
        features = encoder.forward(encoder.preprocess(read_image(path)[0])[None])
        rows.append(features.pooled(encoder.pooling) if view == "pooled" else features.tokens()[0])
    return np.concatenate([row.numpy() for row in rows])


@pytest.mark.parametrize("view", ["pooled", "tokens"])
def test_store_holds_what_the_encoder_says_of_each_image(view, dataset, tmp_path):
    encoder = colour_encoder()
    done = extract_images(encoder, dataset, tmp_path, view=view, params=PARAMS)
    expected = plain_vectors(encoder, dataset, view)
    assert (done.rows, done.dims, done.skipped) == (12, expected.shape[1], [])
    np.testing.assert_array_equal(vectors(tmp_path), expected.astype(np.float16))
    metadata = EmbeddingStore.open(tmp_path).metadata()
    assert metadata["id"].to_list() == dataset.images["id"].to_list()
    assert metadata["sha256"].to_list() == [read_image(path)[1] for path in dataset.images["path"]]
    assert "path" not in metadata
    if view == "tokens":
        assert metadata["tokens"].to_list() == [3] * 12


def test_a_real_model_in_batches_agrees_with_one_image_at_a_time(dataset, tmp_path):
    encoder = load_vision_encoder(vision_params(ARCHITECTURES["dinov2"].saved(tmp_path / "model")), layout())
    extract_images(encoder, dataset, tmp_path / "store", params=PARAMS)
    np.testing.assert_allclose(vectors(tmp_path / "store"), plain_vectors(encoder, dataset), rtol=2e-3, atol=2e-3)


def test_batches_never_cross_shards(dataset, tmp_path):
    sizes = []
    done = extract_images(colour_encoder(sizes), dataset, tmp_path, params=PARAMS)
    assert sizes == [3, 2, 3, 2, 2]
    assert [shard.rows for shard in done.shards] == [5, 5, 2]


def test_workers_change_no_byte(tmp_path):
    dataset = broken(tmp_path / "images")
    for workers in (0, 2):
        folder = tmp_path / f"store-{workers}"
        extract_images(colour_encoder(), dataset, folder, params=PARAMS, workers=workers)
    assert contents(tmp_path / "store-0") == contents(tmp_path / "store-2")


def test_unusable_images_are_skipped_listed_and_reported(tmp_path, capsys):
    dataset = broken(tmp_path / "images")
    done = extract_images(colour_encoder(), dataset, tmp_path / "store", params=PARAMS)
    assert done.rows == 9
    assert [item["id"] for item in manifest(tmp_path / "store")["skipped"]] == ["image-2", "image-6", "image-7"]
    reasons = [item["reason"] for item in done.skipped]
    assert [reasons[0], reasons[2]] == ["missing file", "not an image"]
    assert reasons[1].startswith("broken image (")
    assert "3 images skipped, the first 'image-2' (missing file)" in capsys.readouterr().err

    extract_texts(letter_encoder(), dataset, tmp_path / "texts", params=PARAMS)
    joined = join_stores(EmbeddingStore.open(tmp_path / "store"), EmbeddingStore.open(tmp_path / "texts"))
    assert joined.texts["image_id"].to_list() == joined.images["id"].to_list()
    assert len(joined.images) == 9


def test_a_shard_without_usable_images(tmp_path):
    dataset = image_dataset(tmp_path / "images", 12)
    for number in range(5, 10):
        (tmp_path / "images" / f"{number:03d}.jpg").unlink()
    done = extract_images(colour_encoder(), dataset, tmp_path / "store", params=PARAMS)
    assert [shard.rows for shard in done.shards] == [5, 2]
    assert len(done.skipped) == 5
    expected = plain_vectors(colour_encoder(), dataset.keep_images(np.r_[0:5, 10:12]))
    np.testing.assert_array_equal(vectors(tmp_path / "store"), expected.astype(np.float16))


def test_too_many_unusable_images_stop_the_run_each_time(tmp_path):
    dataset, params = broken(tmp_path / "images"), PARAMS.model_copy(update={"max_skipped": 0.2})
    line = (
        "data set 'tiny': 3 of 12 images cannot be used, the first is 'image-2' (missing file); "
        "check the image folder or raise embed.max_skipped"
    )
    for _ in range(2):
        with pytest.raises(DataError) as caught:
            extract_images(colour_encoder(), dataset, tmp_path / "store", params=params)
        assert str(caught.value) == line
    assert not (tmp_path / "store" / "manifest.json").exists()
    for number in (6, 7):
        picture(number).save(tmp_path / "images" / f"{number:03d}.jpg")
    assert extract_images(colour_encoder(), dataset, tmp_path / "store", params=params).rows == 11


@pytest.mark.parametrize(("limit", "stops"), [(0.0, True), (0.01, False)])
def test_one_image_may_fail_unless_none_may(limit, stops, tmp_path):
    dataset = image_dataset(tmp_path / "images", 4)
    (tmp_path / "images" / "003.jpg").unlink()
    params = EmbedParams(max_skipped=limit)
    if stops:
        with pytest.raises(DataError, match="1 of 4 images"):
            extract_images(colour_encoder(), dataset, tmp_path / "store", params=params)
    else:
        assert extract_images(colour_encoder(), dataset, tmp_path / "store", params=params).rows == 3


def test_nothing_to_embed(dataset, tmp_path):
    with pytest.raises(StoreError, match="nothing could be embedded"):
        extract_images(colour_encoder(), dataset.keep_images(np.arange(0)), tmp_path, params=PARAMS)


STUDY = {
    "study": "tiny",
    "world": None,
    "sources": {},
    "curate": None,
    "download": None,
    "mixes": {},
    "ablation": None,
    "sweep": None,
    "matching": None,
    "pretraining": None,
    "captioning": None,
    "report": {},
    "datasets": {"photos": {"format": "coco", "images": "{folder}", "captions": "{folder}/captions.json"}},
    "encoders": {
        "vision": [{"name": "pixels", "loader": "pixels", "image_size": 4, "pooling": "cls"}],
        "text": [{"name": "words", "loader": "bag-of-words", "dims": 8}],
    },
    "embed": {"shard_rows": 4, "image_batch": 3},
    "pairs": {"datasets": ["photos"], "probe": {"train": "photos", "test": "photos"}},
    "train": {
        "datasets": ["photos"],
        "validation": "photos",
        "mode": "pooled",
        "projector": {"embed_dim": 8},
        "epochs": 1,
        "batch_size": 2,
    },
    "evaluate": {"retrieval": ["photos"]},
}


def write_study(folder: Path) -> Path:
    """Writes a study of one data set of ten images."""
    dataset = image_dataset(folder, 10)
    rows = range(len(dataset.images))
    captions = {
        "images": [{"id": row, "file_name": f"{row:03d}.jpg"} for row in rows],
        "annotations": [{"id": row, "image_id": row, "caption": f"number {row}"} for row in rows],
    }
    (folder / "captions.json").write_text(json.dumps(captions))
    study = yaml.safe_dump(STUDY).replace("{folder}", str(folder))
    (folder / "study.yaml").write_text(study)
    return folder / "study.yaml"


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def test_killed_embed_resumes_to_the_same_bytes(tmp_path):
    from ligature.cli.data import embed

    study, image = write_study(tmp_path / "images"), tmp_path / "images" / "006.jpg"
    embed("pixels", "photos", params=study, results=tmp_path / "whole")
    data = image.read_bytes()
    image.unlink()
    os.mkfifo(image)  # reading it waits for ever: the run stands still in the middle of the second shard
    command = [sys.executable, "-m", "ligature.cli.main", "embed", "pixels", "photos"]
    child = subprocess.Popen([*command, "--params", str(study), "--results", str(tmp_path / "killed")])
    whole, killed = (next((tmp_path / "whole").rglob("part-00000")), tmp_path / "killed")
    killed = killed / whole.relative_to(tmp_path / "whole")
    wait_for(killed / "resume.json")
    time.sleep(0.2)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (killed / "manifest.json").exists()
    first = killed / "img_emb" / "img_emb_00000.npy"
    written = first.stat().st_mtime_ns

    image.unlink()
    image.write_bytes(data)
    embed("pixels", "photos", params=study, results=tmp_path / "killed")
    assert first.stat().st_mtime_ns == written
    assert contents(killed) == contents(whole)
    assert [shard["rows"] for shard in manifest(killed)["shards"]] == [4, 4, 2]
