"""Figures of matching: what is drawn is what was measured, and labels keep clear of each other."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_inputs import EXPERIMENTS, Experiment, cka_table, matching_inputs

from ligature.reporting.drawing import INK
from ligature.reporting.matching.cka import agreement_points, rank_correlations
from ligature.reporting.matching.cka_figures import (
    MOST_PAIRS,
    ORDER_COLOURS,
    agreement_scatters,
    published_ranges,
    shuffle_bars,
)
from ligature.reporting.matching.figures import anchor_curves, setting_points
from ligature.reporting.matching.labels import COLOURS, MARKERS, method_styles, spread_out
from ligature.reporting.matching.rows import METHODS, share_rows


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return share_rows(matching_inputs({name: EXPERIMENTS[name] for name in ("sizes", "settings", "encoders")}).results)


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def extent(text):
    """Returns the box of a label without its line."""
    from matplotlib.text import Text

    return Text.get_window_extent(text)


def test_every_method_keeps_its_style_and_no_two_share_one() -> None:
    styles = method_styles(METHODS)
    assert list(styles) == list(METHODS)[: len(COLOURS)]
    assert len(set(styles.values())) == len(COLOURS) == len(MARKERS)
    assert list(method_styles(["new", "ridge", "qap", "ridge"])) == ["qap", "ridge", "new"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 100), max_size=12), st.floats(0.1, 30))
def test_labels_are_apart_within_the_limits_and_in_order(places: list[float], gap: float) -> None:
    found = spread_out(places, gap, 0.0, 100.0)
    assert len(found) == len(places)
    ordered = sorted(found)
    least = min(gap, 100.0 / max(1, len(places) - 1))
    assert all(later - earlier >= least - 1e-6 for earlier, later in pairwise(ordered))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in found)
    for (one, moved), (other, pushed) in pairwise(zip(places, found, strict=True)):
        assert one == other or (one < other) == (moved < pushed)


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread_out([50.0, 10.0, 90.0], 5.0, 0.0, 100.0) == [50.0, 10.0, 90.0]
    assert spread_out([50.0, 50.0], 10.0, 0.0, 100.0) == [45.0, 55.0]
    assert spread_out([99.0, 99.0], 10.0, 0.0, 100.0) == [90.0, 100.0]


def test_there_is_a_figure_for_experiments_with_several_sizes(rows: pd.DataFrame) -> None:
    (drawing,) = anchor_curves(rows, method_styles(rows["model"]))
    assert drawing.name == "matching-anchors-sizes"
    assert len(drawing.canvas.axes) == 2 * 3
    titles = [axes.get_title() for axes in drawing.canvas.axes]
    assert titles[:2] == ["matching accuracy, image→text", "top-1, image→text"]
    assert "captions: averaged" in drawing.caption
    assert "A method without a ranking has no top-k" not in drawing.caption
    assert set(drawing.data["captions"]) == {"averaged"}


def test_a_line_holds_the_means_of_its_method_and_chance_is_dashed(rows: pd.DataFrame) -> None:
    styles = method_styles(rows["model"])
    (drawing,) = anchor_curves(rows, styles)
    axes = drawing.canvas.axes[1]
    cell = "metric == 'top1' and model == 'ridge' and direction == 'i2t'"
    expected = drawing.data.query(cell).sort_values("base_size")["value"]
    line = next(
        line for line in axes.lines if line.get_color() == styles["ridge"].colour and len(line.get_xdata()) == 3
    )
    assert np.allclose(line.get_ydata(), 100 * expected)
    assert np.allclose(line.get_xdata(), [20, 80, 320], rtol=0.05)
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [line.get_color() for line in dashed] == [INK]
    assert np.allclose(dashed[0].get_ydata(), 0.2)


def test_lines_are_labelled_directly_where_they_end(rows: pd.DataFrame) -> None:
    (drawing,) = anchor_curves(rows, method_styles(rows["model"]))
    accuracy, top1 = drawing.canvas.axes[:2]
    assert len(texts(accuracy)) == 8 + 1
    assert "QAP (hollow)" in texts(accuracy)
    assert "QAP (hollow)" not in texts(top1)
    drawing.canvas.draw_without_rendering()
    boxes = [extent(text) for text in accuracy.texts]
    heights = sorted((box.y0 + box.y1) / 2 for box in boxes)
    assert min(later - earlier for earlier, later in pairwise(heights)) > 0.9 * boxes[0].height
    assert all(box.x1 < drawing.canvas.bbox.x1 for box in boxes), "no label is cut"


def test_settings_are_groups_on_one_axis(rows: pd.DataFrame) -> None:
    styles = method_styles(rows["model"])
    (drawing,) = setting_points(rows, styles)
    (axes,) = drawing.canvas.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        *("none", "stretch\n(both pools)", "image clusters", "image clusters\n+ stretch\n(both pools)")
    ]
    points = next(line for line in axes.lines if line.get_color() == styles["relative"].colour)
    expected = drawing.data[drawing.data["model"] == "relative"].set_index("setting")["value"]
    order = ["none", "stretch (both pools)", "image clusters", "image clusters + stretch (both pools)"]
    heights = [height for _, height in sorted(zip(points.get_xdata(), points.get_ydata(), strict=True))]
    assert np.allclose(heights, 100 * expected[order])


def test_encoders_are_points_with_their_names_and_the_correlation(rows: pd.DataFrame) -> None:
    points = agreement_points(rows, cka_table())
    (drawing,) = agreement_scatters(points, method_styles(rows["model"]))
    (axes,) = drawing.canvas.axes
    assert sorted(texts(axes)) == sorted(EXPERIMENTS["encoders"].vision)
    legend = [text.get_text() for text in drawing.canvas.legends[0].get_texts()]
    assert legend == ["local CKA (RBF): ρ = 1.00 (n = 5)", "QAP (form chosen): ρ = 1.00 (n = 5)"]
    assert published_ranges() in drawing.caption
    assert "CKA 0.67 to 0.71 with QAP at 53 to 65\u00a0%" in published_ranges()
    drawing.canvas.draw_without_rendering()
    places = sorted(extent(text).x0 for text in axes.texts)
    assert min(np.diff(places)) >= 0.9 * extent(axes.texts[0]).width


def test_two_encoders_have_no_correlation_but_a_figure() -> None:
    two = Experiment(vision=("resnet-50", "dinov2-large"), methods=("qap",), query="coco")
    points = agreement_points(share_rows(matching_inputs({"two": two}).results), cka_table())
    (drawing,) = agreement_scatters(points, method_styles(["qap"]))
    assert drawing.canvas.legends[0].get_texts()[0].get_text() == "QAP (form chosen): ρ = – (n = 2)"
    assert rank_correlations(points)[["spearman", "spearman_low"]].isna().all(axis=None)


def test_bars_are_the_kernel_cka_of_every_order() -> None:
    (drawing,) = shuffle_bars(cka_table())
    (axes,) = drawing.canvas.axes
    widths = {}
    for container, order in zip(axes.containers, ORDER_COLOURS, strict=True):
        widths[order] = [bar.get_width() for bar in container]
    assert widths["true"] == [0.45, 0.52, 0.69, 0.66, 0.30]
    assert np.allclose(widths["shuffled"], 0.03 * np.array(widths["true"]))
    assert "0.69" in texts(axes)
    assert shuffle_bars(cka_table().query("metric != 'cka_rbf'")) == []


def test_bars_are_bounded_and_a_missing_order_is_left_out() -> None:
    table = cka_table().query("order != 'half-shuffled'")
    many = pd.concat([table.assign(text=f"text-{number}") for number in range(5)], ignore_index=True)
    (drawing,) = shuffle_bars(many.drop(index=2))
    assert len(drawing.canvas.axes[0].get_yticks()) == MOST_PAIRS
    assert len(drawing.canvas.axes[0].containers) == 2
