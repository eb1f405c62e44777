"""Images encoded whenever they are drawn: the features of a token store without the store."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import ARCHITECTURES, colour_encoder, image_dataset, layout, picture, vision_params

from ligature.encoders import extract_images, load_vision_encoder
from ligature.encoders.on_the_fly import EncodedImages
from ligature.encoders.vision import VisionFeatures
from ligature.errors import DataError, EncoderError
from ligature.params.encoders import EmbedParams
from ligature.store import EmbeddingStore

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return image_dataset(tmp_path_factory.mktemp("images"), 9)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("encoders")
    return {name: ARCHITECTURES[name].saved(root / name) for name in ("dinov2", "siglip")}


def encoded(encoder, dataset, **options):
    return EncodedImages(encoder, dataset.images["path"].to_list(), **options)


@pytest.mark.parametrize("name", ["dinov2", "siglip"])
@pytest.mark.parametrize("batch_size", [2, 64])
def test_features_are_those_of_a_token_store_up_to_its_rounding(name, batch_size, folders, dataset, tmp_path):
    encoder = load_vision_encoder(vision_params(folders[name], pooling="mean"), layout())
    extract_images(encoder, dataset, tmp_path, view="tokens", params=EmbedParams(image_batch=4))
    stored = EmbeddingStore.open(tmp_path).vectors().reshape(9, -1, 32).astype(np.float32)
    rows = np.array([7, 0, 3, 7])
    features = encoded(encoder, dataset, batch_size=batch_size).collate(rows, CPU)
    first = int(encoder.has_cls)
    np.testing.assert_allclose(features["local"], stored[rows, first:], rtol=1e-3, atol=1e-3)
    assert features["mask"].shape == features["local"].shape[:2]
    assert features["mask"].all()
    if encoder.has_cls:
        np.testing.assert_allclose(features["cls"], stored[rows, 0], rtol=1e-3, atol=1e-3)
    else:
        assert features["cls"] is None


def test_features_can_be_trained_on(folders, dataset):
    encoder = load_vision_encoder(vision_params(folders["dinov2"]), layout())
    features = encoded(encoder, dataset).collate(np.arange(3), CPU)
    layer = torch.nn.Linear(32, 4)
    layer(features["local"]).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    assert features["local"].dtype == torch.float32
    assert not features["local"].requires_grad


def test_selection_of_branches_and_rows(dataset):
    images = encoded(colour_encoder(), dataset)
    assert (len(images), images.width("cls"), images.width("local")) == (9, 3, 3)
    only_cls = images.select(["cls"])
    assert (only_cls.width("cls"), only_cls.width("local")) == (3, None)
    found = only_cls.collate(np.array([4]), CPU)
    assert found["local"] is found["mask"] is None
    kept = images.take(np.array([4, 2]))
    assert len(kept) == 2
    assert torch.equal(kept.collate(np.array([0]), CPU)["cls"], found["cls"])


def test_an_encoder_without_patches_gives_its_cls_token(dataset):
    bare = replace(
        colour_encoder(), forward=lambda pixels: VisionFeatures(pixels.mean((2, 3)), pixels.flatten(2)[:, :0])
    )
    images = encoded(bare, dataset)
    assert images.width("local") is None
    assert images.collate(np.array([1]), CPU)["local"] is None


def test_an_encoder_of_one_vector_is_refused_by_name(dataset):
    single = replace(colour_encoder(), forward=lambda pixels: VisionFeatures(pixels.mean((2, 3)), None))
    with pytest.raises(EncoderError, match=r"encoder 'colour' has no token states; use train.mode 'pooled'"):
        encoded(single, dataset).collate(np.array([0]), CPU)


def test_workers_change_nothing(dataset):
    one, four = (encoded(colour_encoder(), dataset, workers=workers) for workers in (1, 4))
    rows = np.arange(9)
    assert torch.equal(one.collate(rows, CPU)["local"], four.collate(rows, CPU)["local"])
    assert one.content_hash() == four.content_hash()


def test_the_hash_sees_files_their_order_and_the_encoder(tmp_path):
    dataset = image_dataset(tmp_path, 3)
    images = encoded(colour_encoder(), dataset)
    hashes = {images.content_hash(), images.take(np.array([1, 0, 2])).content_hash()}
    other = colour_encoder()
    other.identity["revision"] = "2"
    hashes.add(encoded(other, dataset).content_hash())
    path, before = tmp_path / "001.jpg", os.stat(tmp_path / "001.jpg").st_mtime_ns
    picture(99).save(path)
    os.utime(path, ns=(before, before))
    hashes.add(images.content_hash())
    assert len(hashes) == 4


@pytest.mark.parametrize(("data", "reason"), [(None, "missing file"), (b"404 not found", "not an image")])
def test_an_unreadable_image_is_one_line_naming_it(tmp_path, data, reason):
    dataset = image_dataset(tmp_path, 3)
    path = tmp_path / "001.jpg"
    path.unlink() if data is None else path.write_bytes(data)
    images = encoded(colour_encoder(), dataset)
    assert images.collate(np.array([0, 2]), CPU)["cls"].shape == (2, 3)
    with pytest.raises(DataError) as caught:
        images.collate(np.array([0, 1]), CPU)
    assert str(caught.value) == (
        f"{path}: {reason}; replace it or remove it from the data set, train.mode 'images' needs them all"
    )
    if data is None:
        with pytest.raises(DataError, match=r"001.jpg: missing file"):
            images.content_hash()


def test_no_images_are_refused():
    with pytest.raises(DataError, match="there are no images to encode"):
        EncodedImages(colour_encoder(), [])
