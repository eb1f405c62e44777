"""Figures of pre-training: what is drawn is what was measured, and with many runs every panel can still be read."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretraining_inputs import EPOCHS, four_rows, grid_rows, pretraining_inputs, run_row

from ligature.reporting.drawing import INK
from ligature.reporting.pretraining.figures import KIND_COLOURS, cosine_figures, map_figures
from ligature.reporting.pretraining.panels import (
    COLUMNS,
    MOST_LINES,
    MOST_PANELS,
    line_groups,
    line_styles,
    pages,
    panel_titles,
)
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.pretraining.trajectories import trajectory_figures

PAGE_PIXELS = 1120
"""Width of the page."""


@pytest.fixture(scope="module")
def four() -> PretrainingInputs:
    return pretraining_inputs(four_rows(), drawn=True)


@pytest.fixture(scope="module")
def grid() -> PretrainingInputs:
    return pretraining_inputs(grid_rows(), seeds=(0,), drawn=True)


def area(polygon) -> float:
    """Returns the area of a polygon, by the shoelace formula."""
    x, y = polygon.get_xy().T
    return abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def shown(drawing) -> list:
    return [axes for axes in drawing.canvas.axes if axes.get_visible()]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["100", "20", "clamped"]), max_size=40))
def test_every_run_stands_on_one_page_and_no_page_is_crowded(scales: list[str]) -> None:
    names = [f"r{place}" for place in range(len(scales))]
    runs = pd.DataFrame({"run": names, "scale": scales, "logit_scale": scales}, dtype=object)
    for found, most in ((pages(runs), MOST_PANELS), (line_groups(runs), MOST_LINES)):
        assert sorted(name for page in found for name in page.runs["run"]) == sorted(names)
        assert all(0 < len(page.runs) <= most for page in found)
        assert len({page.name for page in found}) == len(found)
    assert all(page.runs["scale"].nunique() == 1 for page in line_groups(runs))


def test_few_runs_stand_together_and_many_by_logit_scale(four: PretrainingInputs, grid: PretrainingInputs) -> None:
    (page,) = pages(four.runs)
    assert panel_titles(page) == ["CLIP", "CLIP + images apart", "SharedCLIP", "AlignCLIP (images)"]
    names = [page.name for page in pages(grid.runs)]
    assert names == ["scale-100", "scale-50", "scale-20", "scale-clamped"]
    two = pretraining_inputs([run_row("a"), run_row("b", logit_scale="learned")], seeds=(0,))
    assert panel_titles(pages(two.runs)[0]) == ["CLIP\nscale 100", "CLIP\nlearned scale"]


def test_a_line_tells_its_loss_by_colour_and_what_is_shared_by_dashes(grid: PretrainingInputs) -> None:
    styles = line_styles(grid.runs)
    runs = grid.runs.assign(
        colour=[styles[name]["color"] for name in grid.runs["run"]],
        dashes=[str(styles[name]["linestyle"]) for name in grid.runs["run"]],
    )
    assert (runs.groupby("separation")["colour"].nunique() == 1).all()
    assert (runs.groupby("sharing")["dashes"].nunique() == 1).all()
    assert not runs.duplicated(["scale", "colour", "dashes"]).any()


def test_lines_are_means_over_seeds_with_a_band_around_them(four: PretrainingInputs) -> None:
    (drawing,) = trajectory_figures(four.trajectories, four.runs)
    gap, alignment, margin = drawing.canvas.axes
    assert [axes.get_ylabel() for axes in (gap, alignment, margin)] == [
        *("centroid gap", "alignment score", "paired margin")
    ]
    line = next(line for line in gap.lines if line.get_label() == "CLIP")
    rows = four.trajectories.query("run == 'clip' and metric == 'centroid_gap'")
    assert np.allclose(line.get_ydata(), rows.groupby("epoch")["value"].mean())
    assert line.get_xdata().tolist() == list(range(1, EPOCHS + 1))
    band = gap.collections[0].get_paths()[0].vertices
    lowest, highest = rows["value"].min(), rows["value"].max()
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((lowest, highest))
    assert "means over 3 seeds" in drawing.caption
    assert len(drawing.canvas.legends[0].get_texts()) == 4


def test_a_grid_is_a_column_a_logit_scale_with_one_legend(grid: PretrainingInputs) -> None:
    (drawing,) = trajectory_figures(grid.trajectories, grid.runs)
    assert len(drawing.canvas.axes) == 3 * 4
    titles = [axes.get_title() for axes in drawing.canvas.axes[:4]]
    assert titles == ["scale 100", "scale 50", "scale 20", "learned scale (clamped)"]
    assert all(len(axes.lines) == MOST_LINES for axes in drawing.canvas.axes)
    assert len(drawing.canvas.legends[0].get_texts()) == 8
    assert "means over" not in drawing.caption, "one seed has no band"


def test_more_scales_than_columns_take_a_further_figure() -> None:
    rows = [run_row(f"s{scale}", logit_scale=f"{scale}.0") for scale in range(10, 70, 10)]
    inputs = pretraining_inputs(rows, seeds=(0,))
    first, second = trajectory_figures(inputs.trajectories, inputs.runs)
    assert (first.name, second.name) == ("pretraining-trajectories-1", "pretraining-trajectories-2")
    assert len(first.canvas.axes) == 3 * COLUMNS
    assert set(first.data["run"]) | set(second.data["run"]) == set(inputs.runs["run"])
    assert not set(first.data["run"]) & set(second.data["run"])


def test_cosines_have_an_area_of_one_and_their_mean_marked(four: PretrainingInputs) -> None:
    (drawing,) = cosine_figures(four.similarities, four.runs)
    axes = drawing.canvas.axes[2]
    assert axes.get_title() == "SharedCLIP"
    rows = four.similarities.query("run == 'shared' and kind == 'paired'")
    paired = axes.patches[list(KIND_COLOURS).index("paired")]
    assert area(paired) == pytest.approx(1)
    heights = {low: height for low, height in paired.get_xy()[1::4] if height}
    counts = rows.groupby("low")["count"].sum()
    assert heights == pytest.approx({low: count / counts.sum() / 0.025 for low, count in counts.items() if count})
    mean = np.average((rows["low"] + rows["high"]) / 2, weights=rows["count"])
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_color() == INK]
    assert marks[1] == pytest.approx(mean)
    assert marks[0] < marks[1], "unpaired ones lie below"
    assert (drawing.canvas.axes[0].get_xlim()) == drawing.canvas.axes[3].get_xlim()


def test_ranges_without_any_cosine_may_be_left_out(four: PretrainingInputs) -> None:
    filled = four.similarities[four.similarities["count"] > 0]
    (whole,), (part,) = (cosine_figures(rows, four.runs) for rows in (four.similarities, filled))
    assert [area(one.canvas.axes[0].patches[1]) for one in (whole, part)] == pytest.approx([1, 1])
    alone = cosine_figures(four.similarities.query("kind == 'paired'"), four.runs)
    assert len(alone[0].canvas.axes[0].patches) == 1


def test_maps_show_both_modalities_and_join_the_pairs_on_one_scale(four: PretrainingInputs) -> None:
    (drawing,) = map_figures(four.features, four.runs)
    axes = drawing.canvas.axes[0]
    lines, images, texts = axes.collections
    clip = four.features.query("run == 'clip'")
    assert np.allclose(images.get_offsets(), clip.query("modality == 'image'")[["x", "y"]])
    assert len(texts.get_offsets()) == len(lines.get_segments()) == 40
    first = clip.query("pair == '0'").sort_values("modality")[["x", "y"]].to_numpy()
    assert np.allclose(lines.get_segments()[0], first)
    limits = {(one.get_xlim(), one.get_ylim()) for one in drawing.canvas.axes}
    assert len(limits) == 1
    ((xlim, ylim),) = limits
    assert xlim[1] - xlim[0] == pytest.approx(ylim[1] - ylim[0])
    assert xlim[0] < four.features["x"].min()
    assert xlim[1] > four.features["x"].max()


def test_figures_of_a_grid_fit_the_page_and_every_panel_has_room(grid: PretrainingInputs) -> None:
    runs = grid.runs[grid.runs["logit_scale"] == "100"]
    drawings = [*cosine_figures(grid.similarities, runs), *map_figures(grid.features, runs)]
    drawings += trajectory_figures(grid.trajectories, grid.runs)
    assert len(drawings) == 1 + 1 + 1
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    for drawing in drawings:
        assert drawing.width < PAGE_PIXELS
        assert len(shown(drawing)) <= 3 * COLUMNS
    (first, *_) = drawings
    first.canvas.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in shown(first)]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    (legend,) = first.canvas.legends
    assert not any(legend.get_window_extent().overlaps(box) for box in boxes)


def test_nothing_is_drawn_of_what_was_not_measured(four: PretrainingInputs) -> None:
    assert trajectory_figures(four.trajectories.iloc[:0], four.runs) == []
    assert cosine_figures(four.similarities.iloc[:0], four.runs) == []
    assert map_figures(four.features.iloc[:0], four.runs) == []
    part = four.features[four.features["run"] != "shared"]
    (drawing,) = map_figures(part, four.runs)
    assert len(shown(drawing)) == 3


def test_a_single_epoch_is_a_point_and_a_missing_measure_has_no_panel(four: PretrainingInputs) -> None:
    rows = four.trajectories.query("epoch == 1 and metric == 'centroid_gap'")
    (drawing,) = trajectory_figures(rows, four.runs)
    (axes,) = drawing.canvas.axes
    assert {line.get_marker() for line in axes.lines} == {"o"}
