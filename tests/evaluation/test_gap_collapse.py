"""An alignment score can be had for nothing; the panel and its warnings must tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.evaluation import chance_retrieval_recall, gap_warnings, modality_gap, retrieval_recall
from ligature.evaluation.gap import NARROW_CONE, NEAR_ONE_POINT, WIDE_CONE

few = settings(max_examples=15, deadline=None)
SOUND = {"alignment_score": 0.7, "unpaired_score": 0.1, "image_uniformity": -2.0, "text_uniformity": -2.5}


def collapsed(n=400, width=64, spread=0.0447, seed=0):
    """Images and texts around one point, independent of each other: cosine 1 / (1 + spread^2) = 0.998 of any two."""
    generator = np.random.default_rng(seed)
    point = np.eye(width)[0]
    return tuple(point + spread * generator.normal(size=(n, width)) / np.sqrt(width) for _ in range(2))


def in_a_cone(n=400, width=64, seed=0):
    """Pairs that belong together, but turned towards one common direction."""
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(n, width)) + 14 * np.eye(width)[0]
    return images, images + 0.1 * generator.normal(size=(n, width))


def test_a_collapsed_model_has_a_perfect_alignment_score_and_the_panel_exposes_it():
    images, texts = collapsed()
    panel = modality_gap(images, texts)
    assert panel["alignment_score"] == pytest.approx(0.998, abs=5e-4)
    assert panel["unpaired_score"] == pytest.approx(0.998, abs=5e-4)
    assert panel["centroid_gap"] < 0.01
    assert panel["paired_margin"] == pytest.approx(0, abs=5e-4)
    for side in ("image", "text"):
        assert panel[f"{side}_uniformity"] == pytest.approx(0, abs=0.02)


def test_a_collapsed_model_retrieves_by_chance():
    images, texts = collapsed()
    recall, chance = retrieval_recall(images, texts, np.arange(400)), chance_retrieval_recall(np.arange(400), 400)
    for metric, level in chance.items():
        assert recall[metric] == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 400))
    assert recall["i2t_median_rank"] == pytest.approx(200, abs=45)


def test_a_collapsed_model_is_warned_of_in_every_way():
    warnings = gap_warnings(modality_gap(*collapsed()))
    assert [sentence.split(" lie")[0] for sentence in warnings[:2]] == ["All images", "All texts"]
    assert warnings[2].startswith("Unpaired images and texts score 0.998 where pairs score 0.998:")
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in warnings)


def test_a_narrow_cone_is_warned_of_though_retrieval_is_good():
    images, texts = in_a_cone()
    panel = modality_gap(images, texts)
    assert panel["alignment_score"] > 0.99
    assert retrieval_recall(images, texts, np.arange(400))["i2t_recall@1"] > 0.95
    (warning,) = gap_warnings(panel)
    assert "narrow cone" in warning


@few
@given(st.integers(0, 10**6), st.floats(0.0, 0.4))
def test_spread_pairs_that_belong_together_give_no_warning(seed, noise):
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(60, 16))
    assert gap_warnings(modality_gap(images, images + noise * generator.normal(size=(60, 16)))) == []


@few
@given(st.integers(0, 10**6))
def test_unrelated_pairs_have_a_low_score_that_misleads_nobody(seed):
    generator = np.random.default_rng(seed)
    panel = modality_gap(generator.normal(size=(60, 16)), generator.normal(size=(60, 16)))
    assert panel["alignment_score"] < 0.2
    assert gap_warnings(panel) == []


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({}, 0),
        ({"unpaired_score": NARROW_CONE * 0.7 - 1e-9}, 0),
        ({"unpaired_score": NARROW_CONE * 0.7}, 1),
        ({"alignment_score": -1.0, "unpaired_score": -1.0}, 0),
        ({"alignment_score": -0.2, "unpaired_score": WIDE_CONE}, 1),
        ({"alignment_score": 0.0, "unpaired_score": WIDE_CONE - 1e-9}, 0),
        ({"image_uniformity": NEAR_ONE_POINT}, 0),
        ({"image_uniformity": NEAR_ONE_POINT + 1e-9}, 1),
        ({"image_uniformity": 0.0, "text_uniformity": 0.0}, 2),
    ],
)
def test_a_warning_begins_where_its_threshold_says(values, count):
    assert len(gap_warnings(SOUND | values)) == count


def test_the_threshold_of_one_point_is_the_mean_cosine_that_is_stated():
    images, _ = collapsed(width=512, spread=np.sqrt(1 / 0.975 - 1))
    unit = images / np.linalg.norm(images, axis=1, keepdims=True)
    assert (unit @ unit.T).mean() == pytest.approx(0.975, abs=1e-3)
    assert modality_gap(images, images)["image_uniformity"] == pytest.approx(NEAR_ONE_POINT, abs=0.005)


def test_the_panel_has_every_measure_that_a_claim_on_the_gap_needs():
    panel = modality_gap(*in_a_cone(n=20))
    assert {
        "alignment_score",
        "unpaired_score",
        "paired_margin",
        "centroid_gap",
        "relative_modality_gap",
        "linear_separability",
        "image_uniformity",
        "text_uniformity",
    } == set(panel)
