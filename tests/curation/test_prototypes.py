"""Prototypes against the formula, their independence of order, and their files."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ligature.curation.keyed import keyed_hash
from ligature.curation.prototypes import Prototypes, build_prototypes
from ligature.errors import DamagedError, DataError
from ligature.store.damage import read_sealed

NAMES = ["ape", "bee", "cat"]


def images(seed=0, per_class=(5, 3, 8)):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(3), per_class))
    features = rng.normal(size=(len(labels), 7)) * rng.uniform(0.1, 9, size=(len(labels), 1))
    return features.astype(np.float32), labels, np.array([f"{label}/{row}.jpg" for row, label in enumerate(labels)])


def reference(features, labels, ids, shots, seed):
    vectors = []
    for label in range(labels.max() + 1):
        rows = sorted(np.flatnonzero(labels == label), key=lambda row: keyed_hash(ids[[row]], seed)[0])[:shots]
        units = [features[row].astype(float) / np.linalg.norm(features[row].astype(float)) for row in rows]
        vectors.append(sum(units) / np.linalg.norm(sum(units)))
    return np.array(vectors)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(1, 9), st.integers(0, 99))
def test_prototypes_are_the_formula(case, shots, seed):
    features, labels, ids = images(case)
    built = build_prototypes(features, labels, NAMES, shots=shots, seed=seed, ids=ids)
    np.testing.assert_allclose(built.vectors, reference(features, labels, ids, shots, seed), atol=1e-6)
    assert built.vectors.dtype == np.float32
    assert built.shots.tolist() == [min(shots, 5), min(shots, 3), min(shots, 8)]
    assert len(built) == 3


def test_the_order_of_rows_does_not_matter_where_ids_are_given():
    features, labels, ids = images()
    order = np.random.default_rng(1).permutation(len(labels))
    first = build_prototypes(features, labels, NAMES, shots=2, seed=4, ids=ids)
    second = build_prototypes(features[order], labels[order], NAMES, shots=2, seed=4, ids=ids[order])
    assert first.key == second.key


def test_the_seed_chooses_the_images():
    features, labels, _ = images()
    keys = {build_prototypes(features, labels, NAMES, shots=2, seed=seed).key for seed in range(5)}
    assert len(keys) > 1
    assert build_prototypes(features, labels, NAMES, shots=2, seed=0).key in keys


def test_long_vectors_count_no_more_than_short_ones():
    built = build_prototypes(np.array([[100.0, 0], [0, 1]]), np.array([0, 0]), ["one"], shots=9, seed=0)
    np.testing.assert_allclose(built.vectors, [[0.5**0.5, 0.5**0.5]], atol=1e-7)


def test_names_that_stand_twice_are_told_apart():
    features = np.eye(4)
    built = build_prototypes(features, np.arange(4), ["crane", "crane (2)", "crane", "bee"], shots=1, seed=0)
    assert built.names == ["crane", "crane (2)", "crane (3)", "bee"]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"labels": np.array([0, 0, 0, 2])}, "'bee' has no image"),
        ({"features": np.array([[1.0, 0], [-1, 0], [0, 1], [0, 1]])}, "'ape': its images or prompts cancel"),
        ({"features": np.array([[1.0, 0], [1, 1], [np.nan, 1], [0, 1]])}, "'bee'.* row 0 is zero or not finite"),
        ({"features": np.array([[1.0, 0], [1, 1], [0, 0], [0, 1]])}, "'bee'.* row 0 is zero or not finite"),
        ({"features": np.eye(3)}, "a row of features"),
        ({"labels": np.array([0, 0, 1, 3])}, "from 0 to 2"),
        ({"labels": np.array([0, 0, 1.0, 2])}, "whole numbers"),
        ({"ids": np.array(["a", "b", "a", "c"])}, "an id stands twice"),
        ({"shots": 0}, "at least one image"),
        ({"names": []}, "no concept"),
    ],
)
def test_mistakes_are_named(changed, match):
    values = {"features": np.eye(4), "labels": np.array([0, 0, 1, 2]), "names": NAMES, "shots": 4, "seed": 0}
    with pytest.raises(DataError, match=match):
        build_prototypes(**(values | changed))


@pytest.fixture
def saved(tmp_path):
    features, labels, ids = images()
    built = build_prototypes(features, labels, NAMES, shots=4, seed=0, ids=ids, provenance={"dataset": "animals"})
    built.save(tmp_path)
    return tmp_path, built


def test_saved_prototypes_come_back(saved):
    folder, built = saved
    loaded = Prototypes.load(folder)
    assert (loaded.names, loaded.provenance, loaded.key) == (NAMES, {"dataset": "animals"}, built.key)
    np.testing.assert_array_equal(loaded.vectors, built.vectors)
    np.testing.assert_array_equal(loaded.shots, built.shots)


def test_the_same_prototypes_are_the_same_bytes(saved, tmp_path_factory):
    folder, built = saved
    again = tmp_path_factory.mktemp("again")
    built.save(again)
    for file in ("prototypes.safetensors", "prototypes.json"):
        assert (folder / file).read_bytes() == (again / file).read_bytes()


@pytest.mark.parametrize("name", ["prototypes.safetensors", "prototypes.json"])
def test_missing_and_broken_files_are_named(saved, name):
    folder, _ = saved
    (folder / name).write_bytes(b"\xff\x00{")
    with pytest.raises(DamagedError, match=f"{name}: damaged"):
        Prototypes.load(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"has no {name}"):
        Prototypes.load(folder)


def change_card(folder, **values):
    path = folder / "prototypes.json"
    path.write_text(json.dumps(read_sealed(path) | values))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"names": ["ape", "bee"]}, "do not fit"),
        ({"names": ["ape", "bee", "bee"]}, "a name stands twice"),
        ({"names": ["bee", "ape", "cat"]}, "is not the one"),
        ({"shots": [4, 3]}, "do not fit"),
        ({"shots": "many"}, "cannot be read"),
        ({"key": "0" * 32}, "is not the one"),
        ({"provenance": 3}, "cannot be read"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(saved, values, match):
    change_card(saved[0], **values)
    with pytest.raises(DataError, match=match):
        Prototypes.load(saved[0])


def test_vectors_of_another_build_are_refused(saved):
    folder, built = saved
    save_file({"vectors": built.vectors[:, ::-1].copy()}, folder / "prototypes.safetensors")
    with pytest.raises(DataError, match="is not the one"):
        Prototypes.load(folder)


def test_vectors_that_are_not_of_unit_length_are_refused(tmp_path):
    Prototypes(["one"], np.array([[2.0, 0]], dtype=np.float32), np.array([1])).save(tmp_path)
    with pytest.raises(DataError, match="unit length"):
        Prototypes.load(tmp_path)
