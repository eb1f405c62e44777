"""Batches of pairs: the same whatever threads, caches, micro-batches, processes and restarts; and broken images."""

import tarfile
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_files import make_pairs, make_tokenizer, write_pictures
from PIL import Image

from ligature.data.mixture import Mixture
from ligature.data.shards import member_path
from ligature.encoders.contrastive.images import MEAN, STD, to_pixels
from ligature.errors import DataError
from ligature.pretraining import decoding
from ligature.pretraining.augmentation import crop_generator, random_crop_box
from ligature.pretraining.batches import PairBatch, PairBatches
from ligature.pretraining.decoding import DecodedImages
from ligature.pretraining.pairs import ImageTextPairs
from ligature.training.settings import Schedule

CPU = torch.device("cpu")
WHOLE = slice(None)
COUNT, SIZE, CROP = 11, 8, (0.6, 1.0)
SCHEDULE = Schedule(epochs=3, batch_size=4, warmup_steps=0, seed=5)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> ImageTextPairs:
    semantics = np.random.default_rng(2).normal(size=(2 * COUNT, 5)).astype(np.float16)
    return make_pairs(write_pictures(tmp_path_factory.mktemp("pictures"), COUNT), semantics=semantics)


def batches_of(pairs: ImageTextPairs, schedule: Schedule = SCHEDULE, **options) -> PairBatches:
    return PairBatches(pairs, make_tokenizer(pairs), schedule, SIZE, CROP, **options)


def loaded(batches: PairBatches, first: int = 0, share: slice = WHOLE, micro: int | None = None) -> list:
    return list(batches.load(first, share, micro, CPU))


def assert_same(found: list[list[PairBatch]], expected: list[list[PairBatch]]) -> None:
    assert [len(parts) for parts in found] == [len(parts) for parts in expected]
    for parts, others in zip(found, expected, strict=True):
        for part, other in zip(parts, others, strict=True):
            assert torch.equal(part.pixels, other.pixels)
            assert torch.equal(part.tokens, other.tokens)
            assert torch.equal(part.semantics, other.semantics)


def joined(parts: list[PairBatch], end: int) -> tuple[torch.Tensor, list[list[int]], torch.Tensor]:
    """Returns pixels, tokens up to the end and semantic vectors of all parts, one after the other."""
    tokens = [row[: row.index(end) + 1] for part in parts for row in part.tokens.tolist()]
    return torch.cat([part.pixels for part in parts]), tokens, torch.cat([part.semantics for part in parts])


def plain_steps(pairs: ImageTextPairs, schedule: Schedule) -> Iterator[tuple[np.ndarray, list[str], np.ndarray]]:
    """Yields pixels, captions and semantic vectors of every step, one pair after the other."""
    size = min(schedule.batch_size, len(pairs))
    for epoch in range(schedule.epochs):
        images, texts = pairs.sample_epoch(schedule.seed, epoch)
        for start in range(0, len(images) - size + 1, size):
            pixels = []
            for row in images[start : start + size]:
                image = Image.open(pairs.paths[row]).convert("RGB")
                box = random_crop_box(*image.size, CROP, crop_generator(schedule.seed, epoch, row))
                square = np.asarray(image.crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float64)
                pixels.append(((square / 255 - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1))
            rows = texts[start : start + size]
            vectors = np.asarray(pairs.semantics, np.float64)[rows]
            captions = [pairs.captions[row] for row in rows]
            yield np.array(pixels), captions, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_batches_are_the_plain_loop(pairs):
    batches = batches_of(pairs)
    steps = loaded(batches)
    expected = list(plain_steps(pairs, SCHEDULE))
    assert len(steps) == len(expected) == SCHEDULE.total_steps(COUNT) == 6
    for (part,), (pixels, captions, vectors) in zip(steps, expected, strict=True):
        assert (part.pixels.dtype, part.tokens.dtype, part.semantics.dtype) == (
            torch.float32,
            torch.int64,
            torch.float32,
        )
        np.testing.assert_allclose(part.pixels, pixels, atol=1e-5)
        np.testing.assert_allclose(part.semantics, vectors, atol=1e-6)
        assert torch.equal(part.tokens, batches.tokenizer.encode(captions))


@pytest.mark.parametrize("options", [{"workers": 3}, {"cache_bytes": 0}, {"cache_bytes": 2000, "workers": 2}])
def test_threads_and_caches_change_nothing(pairs, options):
    assert_same(loaded(batches_of(pairs, **options)), loaded(batches_of(pairs)))


def test_a_second_pass_over_the_same_batches_is_the_first(pairs):
    batches = batches_of(pairs)
    assert_same(loaded(batches), loaded(batches))


@pytest.mark.parametrize("first", [1, 2, 3, 5, 6])
def test_loading_from_a_step_on_gives_what_would_have_come(pairs, first):
    assert_same(loaded(batches_of(pairs), first), loaded(batches_of(pairs))[first:])


@settings(max_examples=15, deadline=None)
@given(micro=st.integers(1, 5), processes=st.integers(1, 4), workers=st.integers(1, 3))
def test_micro_batches_and_processes_share_out_the_same_pairs(pairs, micro, processes, workers):
    schedule = Schedule(epochs=1, batch_size=5, warmup_steps=0)
    batches = batches_of(pairs, schedule, workers=workers)
    end = batches.tokenizer.end_token
    whole = [joined(parts, end) for parts in loaded(batches)]
    cuts = np.linspace(0, 5, processes + 1).astype(int).tolist()
    shares = [loaded(batches, share=slice(*cut), micro=micro) for cut in pairwise(cuts)]
    for step, (pixels, tokens, semantics) in enumerate(whole):
        parts = [part for share in shares for part in share[step]]
        assert max(len(part.pixels) for part in parts) <= micro
        found = joined(parts, end)
        assert torch.equal(found[0], pixels)
        assert found[1] == tokens
        assert torch.equal(found[2], semantics)


def test_crops_differ_between_epochs_and_between_seeds(pairs):
    def of_first_image(seed: int) -> list[torch.Tensor]:
        schedule = Schedule(epochs=2, batch_size=COUNT, warmup_steps=0, seed=seed)
        steps = loaded(batches_of(pairs, schedule))
        places = [pairs.sample_epoch(seed, epoch)[0].tolist().index(0) for epoch in range(2)]
        return [parts[0].pixels[place] for parts, place in zip(steps, places, strict=True)]

    crops = [*of_first_image(0), *of_first_image(1)]
    assert len({crop.numpy().tobytes() for crop in crops}) == 4


def test_a_crop_does_not_depend_on_who_stands_beside_the_image(pairs):
    alone, pair = (Schedule(epochs=1, batch_size=size, warmup_steps=0, seed=5) for size in (COUNT, 2))
    (whole,) = (parts[0].pixels for parts in loaded(batches_of(pairs, alone)))
    assert torch.equal(torch.cat([parts[0].pixels for parts in loaded(batches_of(pairs, pair))]), whole[:10])


def test_a_batch_is_never_larger_than_the_data(pairs):
    batches = batches_of(pairs, Schedule(epochs=1, batch_size=64, warmup_steps=0))
    assert batches.size == COUNT
    assert [len(parts[0].pixels) for parts in loaded(batches)] == [COUNT]


def test_a_training_may_end_inside_an_epoch(pairs):
    schedule = Schedule(epochs=3, batch_size=4, warmup_steps=0, seed=5, max_steps=3)
    assert_same(loaded(batches_of(pairs, schedule)), loaded(batches_of(pairs))[:3])


def test_images_inside_a_tar_are_read_in_place(pairs, tmp_path):
    with tarfile.open(tmp_path / "images.tar", "w") as tar:
        for path in pairs.paths:
            tar.add(path, arcname=Path(path).name)
    with tarfile.open(tmp_path / "images.tar") as tar:
        places = [member_path(tmp_path / "images.tar", item.offset_data, item.size) for item in tar.getmembers()]
    assert_same(loaded(batches_of(make_pairs(places, semantics=pairs.semantics))), loaded(batches_of(pairs)))


def test_the_mixture_decides_what_stands_in_the_batches(pairs):
    schedule = Schedule(epochs=1, batch_size=COUNT, warmup_steps=0)
    mixed = make_pairs(pairs.paths, semantics=pairs.semantics, mixture=Mixture.of([1, 10], [9, 2]))
    (parts,) = loaded(batches_of(mixed, schedule))
    assert len(np.unique(parts[0].pixels.numpy(), axis=0)) == 3, "an image drawn again in an epoch has the same crop"


def test_without_semantic_vectors_there_are_none(pairs):
    part = loaded(batches_of(make_pairs(pairs.paths)))[0][0]
    assert part.semantics is None
    assert part.to(CPU).semantics is None
    assert part.inputs() == [None]


def test_a_batch_moves_as_a_whole(pairs):
    part = loaded(batches_of(pairs))[0][0]
    moved = part.to(torch.device("meta"))
    tensors = (moved.images, moved.pixels, moved.tokens, moved.semantics)
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved.pinned().tokens is moved.tokens
    assert part.inputs()[0] is part.semantics


def test_images_wait_as_bytes_and_are_normalised_when_they_are_asked_for(pairs):
    part = loaded(batches_of(pairs))[0][0]
    assert (part.images.dtype, part.images.shape) == (torch.uint8, (4, SIZE, SIZE, 3))
    assert torch.equal(part.pixels, to_pixels(part.images.numpy()))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_broken_image_is_named_when_it_is_read(tmp_path, workers):
    paths = write_pictures(tmp_path, 5)
    Path(paths[3]).write_bytes(b"no picture")
    batches = batches_of(make_pairs(paths), Schedule(epochs=1, batch_size=5, warmup_steps=0), workers=workers)
    with pytest.raises(DataError, match=r"3\.png: not an image; replace it or remove it from the data set"):
        loaded(batches)


def test_a_missing_and_a_truncated_image_are_named(tmp_path):
    paths = write_pictures(tmp_path, 2)
    Path(paths[0]).write_bytes(Path(paths[0]).read_bytes()[:60])
    Path(paths[1]).unlink()
    images = DecodedImages(paths, 0)
    for row, words in ((0, r"0\.png: broken image"), (1, r"1\.png: missing file; replace it")):
        with pytest.raises(DataError, match=words):
            images[row]


def test_threads_end_with_the_iteration(pairs):
    steps = batches_of(pairs, workers=2).load(0, WHOLE, None, CPU)
    next(steps)
    assert any(thread.name.startswith("decode") for thread in threading.enumerate())
    steps.close()
    assert not any(thread.name.startswith("decode") for thread in threading.enumerate())


@pytest.mark.parametrize(("cache_bytes", "decoded"), [(1 << 20, COUNT), (0, 3 * COUNT), (4 * 12 * 12, 3 * COUNT - 2)])
def test_an_image_is_decoded_once_as_long_as_it_fits(pairs, cache_bytes, decoded, monkeypatch):
    reads, read_image = [], decoding.read_image

    def counted(path: str):
        reads.append(path)
        return read_image(path)

    monkeypatch.setattr(decoding, "read_image", counted)
    images = DecodedImages(pairs.paths, cache_bytes)
    for _ in range(3):
        for row in range(COUNT):
            assert np.array_equal(np.asarray(images[row]), np.asarray(Image.open(pairs.paths[row])))
    assert len(reads) == decoded


def test_many_threads_share_one_cache_within_its_limit(pairs):
    images, limit = DecodedImages(pairs.paths, 3 * 4 * 12 * 14), 3 * 4 * 12 * 14
    threads = [threading.Thread(target=lambda: [images[row] for row in range(COUNT)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = images._kept.values()
    assert 0 < sum(4 * image.width * image.height for image in kept) <= limit
