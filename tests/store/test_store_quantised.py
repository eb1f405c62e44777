"""Vectors in eight bits: the bound of the error, the bytes, what is hashed, resumed and read."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_examples import files_under, image_table, image_writer, vectors_of

from ligature.errors import StoreError
from ligature.store import EmbeddingStore, Manifest
from ligature.store.manifest import MANIFEST_NAME
from ligature.store.quantised import dequantise, quantise

few = settings(max_examples=25, deadline=None)
TABLE = image_table(5).assign(tokens=[2, 1, 3, 1, 2])
numbers = st.floats(-(2.0**99), 2.0**99, width=32)


def plain_quantised(vector):
    """One vector after the formula, in double precision."""
    scale = max(abs(float(value)) for value in vector) / 127
    return [round(float(value) / scale) if scale else 0 for value in vector], scale


def write(folder, vectors, view="tokens-int8", shard_rows=3):
    writer = image_writer(folder, TABLE["id"], shard_rows=shard_rows, view=view)
    ends = np.cumsum(TABLE["tokens"].to_numpy())
    for rows in writer.pending(TABLE):
        first, last = rows.index[0], rows.index[-1]
        part = vectors[ends[first] - TABLE["tokens"][first] : ends[last]]
        writer.append(part, rows, source_rows=len(rows), flops=10 * len(rows))
    writer.finish()
    return EmbeddingStore.open(folder)


def bound_holds(vectors):
    codes, scales = quantise(vectors)
    error = np.abs(dequantise(codes, scales).astype(np.float64) - vectors)
    return bool((error <= scales[:, None].astype(np.float64) / 2 * (1 + 1e-4)).all())


@given(st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=1, max_size=5))
@few
def test_the_error_is_half_a_scale_at_most(rows):
    assert bound_holds(np.array(rows, dtype=np.float32))


@given(st.integers(0, 99), st.floats(-12, 12))
@few
def test_codes_are_those_of_the_plain_formula(seed, magnitude):
    vectors = vectors_of(6, 5, seed) * np.float32(10**magnitude)
    codes, scales = quantise(vectors)
    assert (codes.dtype, scales.dtype) == (np.int8, np.float32)
    for row, vector in enumerate(vectors):
        plain, scale = plain_quantised(vector)
        assert scales[row] == pytest.approx(scale, rel=1e-6)
        assert np.abs(codes[row] - np.array(plain)).max() <= 1
        assert np.abs(codes[row]).max() == 127


def test_a_zero_vector_stays_zero_and_a_tiny_one_keeps_the_bound():
    vectors = np.array([[0, 0, 0], [1e-40, 0, -1e-44]], dtype=np.float32)
    assert not dequantise(*quantise(vectors[:1])).any()
    assert bound_holds(vectors)


def test_an_outlier_costs_its_own_vector_only():
    vectors = vectors_of(3, 8)
    spoiled = vectors.copy()
    spoiled[1, 2] = 1e6
    codes, scales = quantise(spoiled)
    clean_codes, clean_scales = quantise(vectors)
    assert np.array_equal(codes[[0, 2]], clean_codes[[0, 2]])
    assert np.array_equal(scales[[0, 2]], clean_scales[[0, 2]])
    assert codes[1].tolist() == [0, 0, 127, 0, 0, 0, 0, 0]
    assert bound_holds(spoiled)


def test_a_store_reads_back_within_the_bound_and_lazily(tmp_path):
    vectors = vectors_of(9, 6)
    store = write(tmp_path, vectors)
    codes, scales = quantise(vectors)
    stored = store.stored_vectors()
    assert (stored.dtype, stored.shape) == (np.int8, (9, 6))
    assert all(isinstance(part, np.memmap) for part in [*stored.parts, *store.scales().parts])
    assert np.array_equal(stored[:], codes)
    assert np.array_equal(store.scales()[:], scales)
    assert np.array_equal(store.vectors(), dequantise(codes, scales))
    assert files_under(tmp_path) >= {"img_emb/img_emb_00001.npy", "img_emb/scale_00001.npy"}


def test_bytes_are_near_half_of_sixteen_bits_and_the_manifest_counts_them(tmp_path):
    vectors = vectors_of(9, 384)
    half, eight = (write(tmp_path / view, vectors, view).manifests[0] for view in ("tokens", "tokens-int8"))
    assert (half.nbytes, eight.nbytes) == (9 * 384 * 2, 9 * (384 + 4))
    assert (half.dtype, eight.dtype, half.vectors) == ("float16", "int8", 9)
    on_disk = sum(path.stat().st_size for path in (tmp_path / "tokens-int8" / "img_emb").iterdir())
    assert on_disk == eight.nbytes + 2 * 2 * 128


def test_the_hash_of_a_shard_covers_codes_and_scales(tmp_path):
    vectors = vectors_of(9, 6)
    shard = write(tmp_path / "one", vectors, shard_rows=5).manifests[0].shards[0]
    codes, scales = quantise(vectors)
    assert shard.sha256 == hashlib.sha256(codes.tobytes() + scales.tobytes()).hexdigest()
    doubled = write(tmp_path / "two", 2 * vectors, shard_rows=5).manifests[0].shards[0]
    assert doubled.sha256 != shard.sha256


def test_a_killed_run_resumes_to_the_same_bytes(tmp_path):
    vectors = vectors_of(9, 6)
    write(tmp_path / "whole", vectors)
    writer = image_writer(tmp_path / "killed", TABLE["id"], shard_rows=3, view="tokens-int8")
    writer.append(vectors[:6], TABLE[:3], source_rows=3, flops=30)
    (tmp_path / "killed/img_emb/scale_00001.npy").write_bytes(b"half")
    again = image_writer(tmp_path / "killed", TABLE["id"], shard_rows=3, view="tokens-int8")
    assert files_under(tmp_path / "killed") >= {"img_emb/scale_00000.npy"}
    assert not (tmp_path / "killed/img_emb/scale_00001.npy").exists()
    again.append(vectors[6:], TABLE[3:], source_rows=2, flops=20)
    assert again.finish().flops == 50
    for name in files_under(tmp_path / "whole"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("scales", "words"),
    [(None, "cannot be read"), (np.ones(2, np.float32), "has shape"), (np.ones(6), "holds float64")],
)
def test_damaged_scales_are_one_line_with_their_file(tmp_path, scales, words):
    store = write(tmp_path, vectors_of(9, 6))
    path = tmp_path / "img_emb" / "scale_00000.npy"
    path.unlink() if scales is None else np.save(path, scales)
    with pytest.raises(StoreError, match=rf"^[^\n]*scale_00000.npy: {words}[^\n]*embed again$"):
        store.vectors()


def test_an_array_of_another_type_contradicts_the_manifest(tmp_path):
    store = write(tmp_path, vectors_of(9, 6), "tokens")
    np.save(tmp_path / "img_emb/img_emb_00000.npy", np.zeros((6, 6), np.float32))
    with pytest.raises(StoreError, match=r"holds float32, its manifest says float16; [^\n]*embed again$"):
        store.vectors()


def test_a_value_that_is_not_finite_names_its_item(tmp_path):
    vectors = vectors_of(9, 6)
    vectors[4, 1] = np.inf
    with pytest.raises(StoreError, match="'image-2' are not finite in float32"):
        write(tmp_path, vectors)
    vectors[4, 1] = 1e6
    assert write(tmp_path, vectors).rows == 5


def test_a_store_of_before_is_still_read(tmp_path):
    write(tmp_path, vectors_of(9, 6), "tokens")
    facts = json.loads((tmp_path / MANIFEST_NAME).read_text())
    facts.pop("flops")
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(facts))
    assert Manifest.read(tmp_path).flops == 0
    assert EmbeddingStore.open(tmp_path).vectors().shape == (9, 6)
    assert EmbeddingStore.open(tmp_path).scales() is None
