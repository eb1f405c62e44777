"""Figures: what is drawn is what the tables say."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_hex
from reporting_inputs import correlations_table, history_table, pairs_table

from ligature.reporting.drawing import MODALITY_COLOURS, Drawing
from ligature.reporting.feature_figures import feature_maps
from ligature.reporting.pair_figures import prediction_scatters, similarity_heatmaps
from ligature.reporting.training_figures import training_curves

CHOSEN = {"vision": "vit-plain", "text": "minilm"}


def axes_of(drawing: Drawing) -> Axes:
    return drawing.canvas.axes[0]


def two_datasets() -> pd.DataFrame:
    lower = pairs_table("other").assign(cka_debiased=lambda table: table["cka_debiased"] / 2 - 0.05)
    return pd.concat([pairs_table(), lower], ignore_index=True)


def test_heatmaps_put_the_best_encoders_first_and_outline_the_chosen_pair() -> None:
    (drawing,) = similarity_heatmaps(pairs_table(), CHOSEN)
    assert list(drawing.data["vision"]) == ["resnet-good", "vit-plain", "pixels"]
    assert list(drawing.data.columns) == ["vision", "minilm", "words"]
    axes = axes_of(drawing)
    shown = [float(text.get_text()) for text in axes.texts]
    assert shown == pytest.approx(drawing.data[["minilm", "words"]].to_numpy().ravel(), abs=0.006)
    assert {patch.get_xy() for patch in axes.patches} == {(0, 1)}


def test_heatmaps_share_one_colour_scale() -> None:
    drawings = similarity_heatmaps(two_datasets(), CHOSEN)
    meshes = [next(c for c in axes_of(drawing).collections if isinstance(c, QuadMesh)) for drawing in drawings]
    lowest, highest = two_datasets()["cka_debiased"].agg(["min", "max"])
    assert {mesh.get_clim() for mesh in meshes} == {(lowest, highest)}
    assert lowest < 0


def test_heatmap_of_one_pair_and_of_a_missing_one() -> None:
    (single,) = similarity_heatmaps(pairs_table().iloc[[0]], CHOSEN)
    assert len(axes_of(single).patches) == 0
    (partial,) = similarity_heatmaps(pairs_table().iloc[:5], CHOSEN)
    assert len(axes_of(partial).texts) == 5


def test_scatters_show_loss_first_then_recall_by_every_metric() -> None:
    drawings = prediction_scatters(two_datasets(), correlations_table(), CHOSEN)
    assert [drawing.data.columns[-1] for drawing in drawings] == ["probe_loss"] * 2 + ["probe_mean_recall"] * 8
    assert len({drawing.name for drawing in drawings}) == 10
    recall = drawings[2]
    points = np.concatenate([c.get_offsets() for c in axes_of(recall).collections])
    expected = recall.data[["cka_debiased", "probe_mean_recall"]].to_numpy() * [1, 100]
    ring = expected[(recall.data["vision"] == "vit-plain") & (recall.data["text"] == "minilm")]
    np.testing.assert_allclose(np.sort(points, axis=0), np.sort(np.concatenate([expected, ring]), axis=0))
    assert axes_of(recall).get_title() == "val: ρ = 1.00"
    assert axes_of(drawings[6]).get_title() == "other"


def test_encoders_with_long_names_are_told_apart() -> None:
    ends = {name: f"{'long-name-' * 5}{name}" for name in ("words", "minilm")}
    renamed = pairs_table().replace({"text": ends})
    heatmap = similarity_heatmaps(renamed, CHOSEN)[0]
    labels = [label.get_text() for label in axes_of(heatmap).get_xticklabels()]
    assert len(set(labels)) == 2
    assert all(len(label) <= 28 and "…" in label for label in labels)
    legend = axes_of(prediction_scatters(renamed, correlations_table(), CHOSEN)[0]).get_legend()
    assert len({text.get_text() for text in legend.get_texts()}) == 2 + 3 + 2


def test_scatters_need_a_probe_and_three_pairs() -> None:
    probe = [column for column in pairs_table() if column.startswith("probe_")]
    assert prediction_scatters(pairs_table().drop(columns=probe), correlations_table(), CHOSEN) == []
    assert prediction_scatters(pairs_table().iloc[:2], correlations_table(), CHOSEN) == []


def test_training_curves_hold_every_step_and_recall_where_it_was_measured() -> None:
    history = history_table()
    drawings = {drawing.name: drawing for drawing in training_curves(history)}
    assert list(drawings) == [
        "training-train-loss",
        "training-validation-recall",
        "training-temperature",
        "training-learning-rate",
    ]
    (loss,) = axes_of(drawings["training-train-loss"]).lines
    np.testing.assert_array_equal(loss.get_xydata(), history[["step", "train_loss"]])
    recall = axes_of(drawings["training-validation-recall"]).lines
    assert [line.get_label() for line in recall] == ["image→text R@1", "text→image R@1", "image→text R@5"]
    assert [to_hex(line.get_color()).upper() for line in recall] == [
        MODALITY_COLOURS[side] for side in ("image", "text", "image")
    ]
    np.testing.assert_allclose(recall[0].get_xydata(), [[10, 10], [20, 30], [30, 50], [40, 40]])


def test_training_of_one_step_without_validation() -> None:
    drawings = training_curves(history_table().iloc[:1])
    assert len(drawings) == 3
    (line,) = axes_of(drawings[0]).lines
    assert line.get_marker() == "o"


def test_feature_maps_join_the_two_of_a_pair() -> None:
    points = [
        ("after", side, pair, pair + shift, 2.0) for side, shift in (("image", 0), ("text", 5)) for pair in (7, 3)
    ]
    features = pd.DataFrame(points, columns=["stage", "modality", "pair", "x", "y"])
    (drawing,) = feature_maps(features)
    (lines,) = (c for c in axes_of(drawing).collections if isinstance(c, LineCollection))
    ends = sorted(tuple(map(tuple, segment)) for segment in lines.get_segments())
    assert ends == [((3, 2), (8, 2)), ((7, 2), (12, 2))]


def test_style_and_backend_of_the_caller_are_left_alone(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    (drawing,) = similarity_heatmaps(pairs_table(), CHOSEN)
    drawing.save(tmp_path)
    assert dict(matplotlib.rcParams) == before
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".png", ".svg"]
