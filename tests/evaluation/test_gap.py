import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.evaluation.gap import linear_separability, modality_gap

few = settings(max_examples=20, deadline=None)
KEYS = [
    "alignment_score",
    "unpaired_score",
    "paired_margin",
    "centroid_gap",
    "relative_modality_gap",
    "linear_separability",
    "image_uniformity",
    "text_uniformity",
]


def noisy_pairs(seed, n=60, width=12, noise=0.5):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, width)).astype(np.float32)
    return images, (images + noise * rng.normal(size=(n, width))).astype(np.float32)


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def plain_gap(images, texts):
    """Every measure but the classifier, pair by pair from its definition."""
    x, y = unit(images), unit(texts)
    n = len(x)
    others = [(i, j) for i in range(n) for j in range(n) if i != j]
    pair = np.mean([1 - x[i] @ y[i] for i in range(n)])
    inner = sum((1 - x[i] @ x[j]) + (1 - y[i] @ y[j]) for i, j in others) / (2 * n * (n - 1))
    aligned, unpaired = np.mean([x[i] @ y[i] for i in range(n)]), np.mean([x[i] @ y[j] for i, j in others])
    return {
        "alignment_score": aligned,
        "unpaired_score": unpaired,
        "paired_margin": aligned - unpaired,
        "centroid_gap": np.linalg.norm(x.mean(0) - y.mean(0)),
        "relative_modality_gap": pair / (pair + inner),
        "image_uniformity": np.log(np.mean([np.exp(-2 * np.sum((x[i] - x[j]) ** 2)) for i, j in others])),
        "text_uniformity": np.log(np.mean([np.exp(-2 * np.sum((y[i] - y[j]) ** 2)) for i, j in others])),
    }


def plain_separability(images, texts, seed):
    """The same classifier by Newton's method on the regularised likelihood of standardised features."""
    order = np.random.default_rng(seed).permutation(len(images))
    learned, held_out = np.array_split(order, 2)
    x, y = unit(images), unit(texts)
    train, test = (np.concatenate([x[half], y[half]]) for half in (learned, held_out))
    centre, scale = train.mean(0), train.std(0)
    train, test = ((rows - centre) / scale for rows in (train, test))
    train, target = np.c_[train, np.ones(len(train))], np.repeat([0.0, 1.0], len(learned))
    weights, ridge = np.zeros(train.shape[1]), np.diag([1.0] * (train.shape[1] - 1) + [0.0])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-train @ weights))
        hessian = (train.T * (guess * (1 - guess))) @ train + ridge
        weights -= np.linalg.solve(hessian, train.T @ (guess - target) + ridge @ weights)
    told = np.c_[test, np.ones(len(test))] @ weights > 0
    return np.mean(told == np.repeat([False, True], len(held_out)))


@few
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 9), st.sampled_from([0.0, 0.3, 5.0]))
def test_every_measure_agrees_with_its_definition(seed, n, width, noise):
    images, texts = noisy_pairs(seed, n, width, noise)
    measured = modality_gap(images, texts)
    assert list(measured) == KEYS
    assert all(type(value) is float for value in measured.values())
    for name, value in plain_gap(images, texts).items():
        assert measured[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize(("seed", "shift"), [(0, 0.0), (1, 0.2), (2, 0.4), (3, 1.0)])
def test_separability_agrees_with_newtons_method(seed, shift):
    images, texts = noisy_pairs(seed, n=120, width=6)
    texts = texts + shift
    assert linear_separability(images, texts, seed=seed) == plain_separability(images, texts, seed)


@few
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_identical_sides_have_no_gap(seed, n):
    images, _ = noisy_pairs(seed, n)
    measured = modality_gap(images, 3 * images, seed=seed)
    assert measured["alignment_score"] == pytest.approx(1, abs=1e-7)
    assert measured["centroid_gap"] == pytest.approx(0, abs=1e-7)
    assert measured["relative_modality_gap"] == pytest.approx(0, abs=1e-7)
    assert measured["linear_separability"] == 0.5
    assert measured["image_uniformity"] == pytest.approx(measured["text_uniformity"], abs=1e-6)


def test_a_shifted_side_is_seen_by_every_measure_of_the_gap():
    images, texts = noisy_pairs(0, n=400, noise=0.2)
    near, far = modality_gap(images, texts), modality_gap(images, texts + 2)
    for name in ("centroid_gap", "relative_modality_gap", "linear_separability"):
        assert far[name] > near[name] + 0.1, name
    assert far["alignment_score"] < near["alignment_score"]
    assert far["linear_separability"] > 0.95
    assert near["linear_separability"] == pytest.approx(0.5, abs=0.08)


def test_one_axis_may_part_the_sides_though_the_gap_is_small():
    images, texts = noisy_pairs(1, n=300, width=64, noise=0.05)
    images, texts = (np.c_[side, np.full(len(side), sign)] for side, sign in ((images, 0.3), (texts, -0.3)))
    measured = modality_gap(images, texts)
    assert measured["centroid_gap"] < 0.1
    assert measured["linear_separability"] == 1


def test_the_panel_exposes_a_collapsed_model():
    lengths = np.linspace(0.5, 9, 50)[:, None]
    measured = modality_gap(lengths * np.full((50, 33), 0.3), np.full((50, 33), 1.7) / lengths)
    assert measured["alignment_score"] == pytest.approx(1, abs=1e-7)
    assert measured["centroid_gap"] == pytest.approx(0, abs=1e-7)
    assert measured["relative_modality_gap"] == 0
    assert measured["linear_separability"] == 0.5
    for exposing in ("paired_margin", "image_uniformity", "text_uniformity"):
        assert measured[exposing] == pytest.approx(0, abs=1e-6)


def test_two_points_are_the_widest_gap():
    measured = modality_gap(np.tile([[1.0, 0]], (10, 1)), np.tile([[-1.0, 0]], (10, 1)))
    assert measured["relative_modality_gap"] == 1
    assert measured["centroid_gap"] == 2
    assert measured["linear_separability"] == 1
    assert measured["alignment_score"] == measured["unpaired_score"] == -1


def test_independent_uniform_features_give_the_values_that_the_docstring_states():
    rng = np.random.default_rng(4)
    n, width = 1500, 64
    measured = modality_gap(rng.normal(size=(n, width)), rng.normal(size=(n, width)))
    expected = {
        "alignment_score": 0,
        "unpaired_score": 0,
        "paired_margin": 0,
        "centroid_gap": np.sqrt(2 / n),
        "relative_modality_gap": 0.5,
        "linear_separability": 0.5,
        "image_uniformity": -4 + 8 / width,
        "text_uniformity": -4 + 8 / width,
    }
    for name, value in expected.items():
        assert measured[name] == pytest.approx(value, abs=0.03), name


@few
@given(st.integers(0, 10**6))
def test_length_device_form_and_common_rotation_do_not_matter(seed):
    images, texts = noisy_pairs(seed, n=20)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    lengths = rng.uniform(0.1, 9, size=(20, 1))
    measured = modality_gap(images, texts)
    turned = modality_gap(torch.from_numpy(lengths * images @ rotation), texts @ rotation)
    for name in set(KEYS) - {"linear_separability"}:
        assert turned[name] == pytest.approx(measured[name], abs=1e-5), name


def test_the_seed_decides_and_the_sides_may_be_exchanged():
    images, texts = noisy_pairs(5, n=200)
    texts = texts + 0.3
    first = modality_gap(images, texts, seed=1)
    assert modality_gap(images, texts, seed=1) == first
    assert len({modality_gap(images, texts, seed=seed)["linear_separability"] for seed in range(6)}) > 1
    exchanged = modality_gap(texts, images, seed=1)
    for name in KEYS[:6]:
        assert exchanged[name] == pytest.approx(first[name], abs=1e-12), name


@pytest.mark.parametrize(
    ("images", "texts", "message"),
    [
        (np.ones((1, 3)), np.ones((1, 3)), "modality gap of 1 images and 1 texts: needs two pairs or more"),
        (np.ones((3, 3)), np.ones((2, 3)), "modality gap of 3 images and 2 texts: needs two pairs or more"),
        (np.ones((2, 3)), np.ones((2, 4)), "image_features are 3 wide but text_features 4"),
        (np.ones((2, 3)), np.array([[1, 0, 0], [0, 0, 0]]), "text_features: row 1 is all zeros"),
        (np.array([[1, np.nan], [0, 1]]), np.ones((2, 2)), "image_features: row 0 is not finite"),
    ],
)
def test_errors_are_one_line_and_name_the_row(images, texts, message):
    for measure in (modality_gap, linear_separability):
        with pytest.raises(DataError) as caught:
            measure(images, texts)
        assert str(caught.value).startswith(message)
        assert "\n" not in str(caught.value)
