"""Figures of captioning: what is drawn is what was measured, every run has room, and words fit their patches."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from captioning_inputs import SEEDS, captioning_inputs, images, run_rows, several_runs, usual_inputs, word_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.reporting.captioning.examples import MOST_RUNS, common_images, example_cards, shown_rows
from ligature.reporting.captioning.figures import loss_figures, noise_figures, pairs_figures, vocabulary_figures
from ligature.reporting.captioning.panels import MOST_LINES, line_styles, pages
from ligature.reporting.captioning.patches import (
    BLANK,
    LARGEST,
    MOST_CHARACTERS,
    MOST_PATCHES,
    SMALLEST,
    UNKNOWN,
    drawable,
    fitted,
    patch_figures,
    photograph,
)
from ligature.reporting.captioning.sources import CaptioningInputs

PAGE_PIXELS = 1120
"""Width of the page."""


@pytest.fixture(scope="module")
def inputs() -> CaptioningInputs:
    return usual_inputs()


def line_of(axes, label: str):
    """Returns the line of errorbars with a label."""
    return next(bar for bar in axes.containers if bar.get_label() == label)


def test_few_runs_stand_together_and_many_by_kind(inputs: CaptioningInputs) -> None:
    (page,) = pages(inputs.runs)
    assert len(page.runs) == 7
    rows = [*several_runs(), *run_rows("linear", "linear"), *run_rows("reducer", "h-reducer")]
    kinds, variants = pages(captioning_inputs(rows, seeds=(0,)).runs)
    assert (kinds.name, variants.name) == ("small-kinds", "small-align")
    assert kinds.runs["kind"].is_unique
    assert set(variants.runs["kind"]) == {"align"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["align", "mlp"]), st.sampled_from(["a", "b"])), min_size=1, max_size=30))
def test_every_run_stands_on_a_page_and_no_page_is_crowded(kinds: list[tuple[str, str]]) -> None:
    rows = [{"run": f"r{place}", "kind": kind, "recipe": recipe} for place, (kind, recipe) in enumerate(kinds)]
    found = pages(pd.DataFrame(rows))
    assert {name for page in found for name in page.runs["run"]} == {row["run"] for row in rows}
    assert all(0 < len(page.runs) <= MOST_LINES for page in found)
    assert len({page.name for page in found}) == len(found)
    for page in found:
        assert len({(style["color"], style["marker"]) for style in line_styles(page).values()}) == len(page.runs)


def test_scores_by_pairs_are_means_with_their_interval_and_chance(inputs: CaptioningInputs) -> None:
    (drawing,) = pairs_figures(inputs)
    cider = drawing.canvas.axes[0]
    assert [axes.get_title() for axes in drawing.canvas.axes] == ["CIDEr-D × 100", "BLEU-4", "ROUGE-L", "METEOR"]
    assert [tick.get_text() for tick in cider.get_xticklabels()] == ["500", "2,000", "all"]
    rows = inputs.results.query("model == 'mlp' and task == 'captioning' and metric == 'cider' and shots == 0")
    means = 100 * rows.groupby("pairs")["value"].mean()
    assert line_of(cider, "MLP")[0].get_ydata() == pytest.approx(means[["500", "2000", "all"]].to_numpy())
    with_examples = inputs.results.query("model == 'shuffled'").assign(shots=2.0, value=3.0)
    (other,) = pairs_figures(replace(inputs, results=pd.concat([inputs.results, with_examples], ignore_index=True)))
    for axes in (cider, other.canvas.axes[0]):
        dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert dotted[0].get_ydata()[0] == pytest.approx(5)
    assert cider.get_ylim()[0] == 0
    assert cider.get_ylim()[1] > 1.05 * drawing.data.query("metric == 'cider'")["high"].max(), "whole markers"
    assert "95\u00a0% intervals over seeds" in drawing.caption
    assert drawing.width < PAGE_PIXELS
    assert {"run", "pairs", "metric", "value", "low", "high"} <= set(drawing.data)


def test_one_number_of_pairs_and_one_seed_are_points_without_bars() -> None:
    one = captioning_inputs(run_rows("align", pairs=("2000",)), seeds=(0,))
    (drawing,) = pairs_figures(one)
    axes = drawing.canvas.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2,000"]
    assert "intervals" not in drawing.caption
    assert len(line_of(axes, "ALIGN")[0].get_xdata()) == 1


def test_noise_has_four_panels_at_the_most_pairs(inputs: CaptioningInputs) -> None:
    (drawing,) = noise_figures(inputs)
    titles = ["CIDEr-D × 100 under noise", "CIDEr-D kept, %", "cosine distance", "centred cosine distance"]
    assert [axes.get_title() for axes in drawing.canvas.axes] == titles
    kept = line_of(drawing.canvas.axes[1], "ALIGN")[0]
    assert list(kept.get_xdata()) == [0.0, 0.3, 1.0, 3.0]
    assert kept.get_ydata()[[0, -1]] == pytest.approx([100, 75], abs=1)
    raw, centred = (line_of(axes, "ALIGN")[0].get_ydata()[-1] for axes in drawing.canvas.axes[2:])
    assert raw < centred
    for axes, name in zip(drawing.canvas.axes, titles, strict=True):
        low, high = axes.get_ylim()
        assert low <= 0
        assert high - low > 1.05 * drawing.data.loc[drawing.data["metric"] == name, "value"].max(), "whole markers"
    assert set(drawing.data["pairs"]) == {"all"}
    assert noise_figures(replace(inputs, results=inputs.results.query("task == 'captioning'"))) == []


def test_the_vocabulary_is_drawn_for_what_mixes_and_the_spread_for_all(inputs: CaptioningInputs) -> None:
    (drawing,) = vocabulary_figures(inputs)
    assert drawing.name == "captioning-vocabulary-all"
    tokens, share, spread = drawing.canvas.axes
    assert "MLP" not in {bar.get_label() for bar in tokens.containers}
    assert line_of(share, "ALIGN")[0].get_ydata() == pytest.approx([60] * 3, abs=1)
    assert line_of(spread, "MLP")[0].get_ydata() == pytest.approx([3.5] * 3, abs=0.1)


def test_losses_have_a_panel_a_stage_with_a_band_over_seeds(inputs: CaptioningInputs) -> None:
    (drawing,) = loss_figures(inputs)
    titles = [axes.get_title() for axes in drawing.canvas.axes]
    assert titles == [f"{kind} loss, stage {stage}" for kind in ("training", "validation") for stage in (1, 2)]
    axes = drawing.canvas.axes[0]
    line = next(line for line in axes.lines if line.get_label() == "ALIGN")
    rows = inputs.trajectories.query("run == 'align' and pairs == 'all' and stage == '1' and metric == 'train_loss'")
    assert list(line.get_ydata()) == pytest.approx(list(rows.groupby("step")["value"].mean()))
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((rows["value"].min(), rows["value"].max()))
    single = replace(inputs, trajectories=inputs.trajectories.query("stage == '1'"))
    assert [axes.get_title() for axes in loss_figures(single)[0].canvas.axes] == ["training loss", "validation loss"]
    assert loss_figures(replace(inputs, trajectories=inputs.trajectories.iloc[:0])) == []


def test_panels_and_legend_keep_clear_of_each_other(inputs: CaptioningInputs) -> None:
    (drawing,) = pairs_figures(inputs)
    drawing.canvas.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in drawing.canvas.axes]
    (legend,) = drawing.canvas.legends
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert not any(legend.get_window_extent().overlaps(box) for box in boxes)


def test_words_stand_on_their_patches_and_inside_them(inputs: CaptioningInputs) -> None:
    (drawing,) = patch_figures(inputs)
    assert drawing.width < PAGE_PIXELS
    drawing.canvas.draw_without_rendering()
    first = drawing.canvas.axes[0]
    assert first.get_title().startswith("ALIGN\nprobability up to 0.")
    assert drawing.canvas.axes[1].get_title().startswith("MLP\ncosine up to 0.")
    rows = inputs.words.query("run == 'align'")
    assert [text.get_position() for text in first.texts] == [
        (row.column + 0.5, row.row + 0.5) for row in rows.itertuples()
    ]
    cell = first.get_window_extent().width / 3
    boxes = [text.get_window_extent() for text in first.texts]
    assert max(box.width for box in boxes) <= cell
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert "path" not in drawing.data


def test_bars_are_the_weights_against_the_highest(inputs: CaptioningInputs) -> None:
    axes = patch_figures(inputs)[0].canvas.axes[0]
    rows = inputs.words.query("run == 'align'")
    lengths = np.array([segment[1, 0] - segment[0, 0] for segment in axes.collections[-1].get_segments()])
    assert lengths == pytest.approx(0.8 * rows["weight"].to_numpy() / rows["weight"].max())
    below = replace(inputs, words=inputs.words.assign(weight=-0.5))
    axes = patch_figures(below)[0].canvas.axes[0]
    assert all(segment[1, 0] == segment[0, 0] for segment in axes.collections[-1].get_segments())


def test_a_photograph_lies_under_the_grid_and_a_broken_one_leaves_it_empty(
    inputs: CaptioningInputs, tmp_path: Path
) -> None:
    good, _, broken = images(tmp_path)
    assert photograph(good).shape == (220, 300, 3)
    assert photograph(broken) is photograph(str(tmp_path / "nowhere.png")) is None
    words = word_rows(run_rows("align", pairs=("all",)), [good, broken], grid=2)
    whole, empty = patch_figures(replace(inputs, words=words))
    assert [len(drawing.canvas.axes[0].images) for drawing in (whole, empty)] == [1, 0]
    assert whole.canvas.axes[0].images[0].get_extent() == [0, 2, 2, 0]


def test_a_grid_without_room_for_words_is_left_out(inputs: CaptioningInputs) -> None:
    rows = run_rows("align", pairs=("all",))
    assert patch_figures(replace(inputs, words=inputs.words.iloc[:0])) == []
    fine = word_rows(rows, ["x"], grid=2).assign(rows=MOST_PATCHES + 1)
    assert patch_figures(replace(inputs, words=fine)) == []
    many = word_rows([row for row in several_runs() if row["pairs"] == "all"], ["x"], grid=2).assign(
        rows=30, columns=30
    )
    (drawing,) = patch_figures(replace(inputs, words=many))
    assert len(drawing.canvas.axes) == 1, "with many patches one panel alone"
    assert drawing.width < PAGE_PIXELS


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.floats(12, 60))
def test_a_word_is_one_short_line_that_fits(token: str, points: float) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    text, size = fitted(token, points)
    assert 0 < len(text) <= MOST_CHARACTERS
    assert size <= LARGEST
    assert size >= SMALLEST or len(text) == 1
    width = TextPath((0, 0), text, size=size, prop=FontProperties(family="DejaVu Sans")).get_extents().width
    assert width <= points + 0.5


@pytest.mark.parametrize(
    ("token", "expected"),
    [(" dog", "dog"), ("\n", BLANK), ("", BLANK), ("🙂", UNKNOWN), ("שלום", UNKNOWN * 4), ("$x$", "$x$"), ("é", "é")],
)
def test_a_token_is_written_as_the_font_can(token: str, expected: str) -> None:
    assert drawable(token) == expected


def test_examples_are_of_the_most_pairs_and_the_first_seed(inputs: CaptioningInputs) -> None:
    rows = shown_rows(inputs.captions, inputs.runs)
    assert set(rows["pairs"]) == {"all"}
    assert set(rows["seed"]) == {SEEDS[0]}
    (card,) = example_cards(inputs)
    assert card.title == "val, i0: all pairs"
    assert card.query.is_image
    assert card.query.uri is None
    assert [hit.score.partition(",")[0] for hit in card.hits[:4]] == [
        "ALIGN",
        "MLP",
        "Perceiver",
        "visual table (Ovis)",
    ]
    assert len(card.hits) == 7


def test_images_that_most_runs_captioned_come_first(inputs: CaptioningInputs) -> None:
    rows = shown_rows(inputs.captions, inputs.runs)
    few = rows.head(2).assign(image_id="few")
    found = common_images(pd.concat([few, rows]), 2)
    assert [group["image_id"].iloc[0] for group in found] == ["i0", "few"]
    assert common_images(rows.iloc[:0], 2) == []
    assert example_cards(replace(inputs, captions=rows.iloc[:0])) == []


def test_an_empty_caption_is_said_and_many_runs_are_bounded() -> None:
    rows = [row for place in range(15) for row in run_rows(f"m{place}", "mlp", pairs=("all",))]
    inputs = captioning_inputs(rows, seeds=(0,))
    (card,) = example_cards(replace(inputs, captions=inputs.captions.assign(caption="", cider=float("nan"))))
    assert len(card.hits) == MOST_RUNS
    assert {hit.text for hit in card.hits} == {"(no words)"}
    assert card.hits[0].score == "MLP (m0)"
