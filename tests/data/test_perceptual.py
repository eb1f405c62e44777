"""Perceptual hashes: what they survive, what they tell apart, and that near ones are found exactly."""

import io
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dct

from ligature.data import perceptual
from ligature.data.perceptual import near_duplicate_images, near_references, perceptual_hash
from ligature.data.scenes import render, sample_scene

BITS = 8
SCENES = [Image.fromarray(render(sample_scene(np.random.default_rng(seed)), 192)) for seed in range(40)]


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer)


def distance(first, second):
    return sum((a ^ b).bit_count() for a, b in zip(perceptual_hash(first), perceptual_hash(second), strict=True))


def test_the_hash_is_what_the_formula_says():
    image = SCENES[3]
    pixels = np.asarray(image.convert("YCbCr").resize((32, 32), Image.Resampling.BOX), np.float64)
    bits = []
    for channel in range(3):
        plane = pixels[:, :, channel]
        bits += [plane.mean() > 16 + 32 * step for step in range(8)]
        waves = dct(dct(plane, axis=0, norm="ortho"), axis=1, norm="ortho")
        places = [(u, total - u) for total in range(1, 32) for u in range(total + 1)]
        bits += [waves[place] > 8 for place in places[:56]]
    text = "".join(str(int(bit)) for bit in bits)
    assert perceptual_hash(image) == int(text, 2).to_bytes(24, "big")


@pytest.mark.parametrize(
    "change",
    [
        lambda image: encoded(image, quality=90),
        lambda image: encoded(image, quality=60),
        lambda image: encoded(image, "WEBP", quality=70),
        lambda image: encoded(image.resize((96, 96), Image.Resampling.BICUBIC), quality=90),
        lambda image: image.resize((400, 400), Image.Resampling.BICUBIC),
    ],
    ids=["jpeg 90", "jpeg 60", "webp", "half", "double"],
)
def test_scaling_and_encoding_change_few_bits(change):
    assert max(distance(image, change(image)) for image in SCENES) <= BITS


def test_different_scenes_differ_in_many_bits():
    hashes = np.frombuffer(b"".join(map(perceptual_hash, SCENES)), np.uint8).reshape(-1, 24)
    bits = np.unpackbits(hashes, axis=1).astype(int)
    apart = (bits[:, None] != bits[None]).sum(-1)[np.triu_indices(len(bits), 1)]
    assert apart.min() > BITS
    assert np.median(apart) > 60


def test_colours_are_told_apart():
    red, blue = (Image.new("RGB", (40, 40), colour) for colour in ((255, 0, 0), (0, 0, 255)))
    assert distance(red, blue) > BITS
    scene = SCENES[0]
    swapped = Image.merge("RGB", scene.split()[::-1])
    assert distance(scene, swapped) > 2 * BITS


@pytest.mark.parametrize("colour", [(128, 128, 128), (250, 250, 250), (200, 30, 40), (0, 0, 0)])
def test_noise_on_a_flat_picture_changes_next_to_nothing(colour):
    noise = np.random.default_rng(0).normal(0, 6, (64, 64, 3))
    noisy = Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
    assert distance(Image.new("RGB", (64, 64), colour), noisy) <= 3
    assert distance(Image.new("RGB", (64, 64), colour), encoded(noisy, quality=50)) <= 3


@pytest.mark.parametrize("size", [(1, 1), (1, 100), (100, 1), (31, 33)])
def test_every_size_has_a_hash(size):
    assert len(perceptual_hash(Image.new("RGB", size, (9, 99, 199)))) == perceptual.BYTES == 24


def plain_duplicates(uids, hashes, bits):
    stays, rows = [], []
    for at in np.argsort(uids):
        near = [(uids[other], int(np.unpackbits(hashes[at] ^ hashes[other]).sum())) for other in stays]
        near = [(uid, apart) for uid, apart in near if apart <= bits]
        if near:
            rows.append((uids[at], *min(near)))
        else:
            stays.append(at)
    return rows


def clustered(seed, count, flips):
    """Returns hashes around a few centres, with up to ``flips`` bits changed, among them equal ones."""
    rng = np.random.default_rng(seed)
    centres = np.unpackbits(rng.integers(0, 256, (4, 24), np.uint8), axis=1)
    centres[0] = 0
    bits = centres[rng.integers(0, len(centres), count)]
    for row in bits:
        row[rng.choice(192, rng.integers(0, flips + 1), replace=False)] ^= 1
    return np.packbits(bits, axis=1), rng.permutation(2**63 + np.arange(count, dtype=np.uint64))


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 12), st.integers(0, 32))
@settings(max_examples=25, deadline=None)
def test_near_duplicates_are_those_of_all_pairs(seed, count, flips, bits):
    hashes, uids = clustered(seed, count, flips)
    table = near_duplicate_images(uids, hashes, bits)
    assert [tuple(row) for row in table.itertuples(index=False)] == plain_duplicates(uids, hashes, bits)
    assert table.dtypes.astype(str).to_dict() == {"uid": "uint64", "duplicate_of": "uint64", "bits": "int32"}


@given(st.integers(0, 2**32), st.integers(0, 20), st.integers(0, 12), st.integers(0, 32))
@settings(max_examples=25, deadline=None)
def test_hashes_near_a_reference_are_those_of_all_pairs(seed, count, flips, bits):
    hashes, _ = clustered(seed, 2 * count + 1, flips)
    hashes, references = hashes[:count], hashes[count:]
    apart = np.unpackbits(hashes[:, None] ^ references[None], axis=2).sum(-1)
    expected = (apart <= bits).any(1)
    np.testing.assert_array_equal(near_references(hashes, references, bits), expected)
    assert not near_references(hashes, references[:0], bits).any()


def test_every_place_of_the_differing_bits_is_found():
    zero = np.zeros((1, 24), np.uint8)
    for bits in (1, 3, 8):
        worst = np.zeros(192, np.uint8)
        worst[:bits] = 1
        for shift in range(192):
            near = np.packbits(np.roll(worst, shift))[None]
            assert near_references(near, zero, bits).all()
            assert not near_references(near, zero, bits - 1).any()


def test_one_picture_many_times_takes_no_quadratic_time():
    hashes = np.tile(np.frombuffer(perceptual_hash(SCENES[0]), np.uint8), (20_000, 1))
    start = time.perf_counter()
    table = near_duplicate_images(np.arange(20_000, dtype=np.uint64), hashes, BITS)
    assert time.perf_counter() - start < 3
    assert len(table) == 19_999
    assert set(table["duplicate_of"]) == {0}
