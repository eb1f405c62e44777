"""Tables of pre-training: every run with its gap and what it can do, the published figures, and the terminal."""

import pandas as pd
import pytest
from pretraining_inputs import FOUR, SEEDS, four_rows, grid_rows, pretraining_inputs, run_row

from ligature.reporting.pretraining.published import beside_alignclip, published_alignclip, published_tables
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.pretraining.summary import pretraining_summary
from ligature.reporting.pretraining.tables import PANEL, final_scales, gap_table, scale_cell, task_table


@pytest.fixture(scope="module")
def inputs() -> PretrainingInputs:
    learned = run_row("free", sharing="all", logit_scale="clamped")
    return pretraining_inputs([*four_rows(), learned])


def row_of(table, label: str) -> dict[str, str]:
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    (found,) = [row for row in rows if row["run"] == label and "fixed" in row["logit scale"]]
    return found


def mean_and_deviation(inputs: PretrainingInputs, run: str, metric: str) -> str:
    rows = inputs.results[(inputs.results["model"] == run) & (inputs.results["metric"] == metric)]
    return f"{rows['value'].mean():.3f} ± {rows['value'].std(ddof=1):.3f}"


def test_the_panel_of_every_run_is_its_mean_and_deviation_over_seeds(inputs: PretrainingInputs) -> None:
    table = gap_table(inputs)
    assert len(table.rows) == len(FOUR) + 1
    assert set(PANEL.values()) < set(table.header)
    row = row_of(table, "SharedCLIP")
    assert row["centroid gap"] == mean_and_deviation(inputs, "shared", "centroid_gap")
    assert row["alignment score"] == mean_and_deviation(inputs, "shared", "alignment_score")
    assert (row["shared"], row["pushed apart"], row["re-scaling"]) == ("all", "–", "–")
    assert row["parameters"] == "1.4 M"
    align = row_of(table, "AlignCLIP (images)")
    assert (align["pushed apart"], align["re-scaling"], align["logit scale"]) == ("images", "cosine", "100 (fixed)")
    assert "deviation over seeds" in table.caption


def test_a_learned_logit_scale_is_the_one_at_the_end(inputs: PretrainingInputs) -> None:
    ends = final_scales("free", inputs.trajectories)
    assert ends.to_list() == pytest.approx([14.3 + 7.5 + 0.1 * seed for seed in SEEDS])
    run = inputs.runs.set_index("run", drop=False).loc["free"]
    assert scale_cell(run, inputs.trajectories) == "21.9 ± 0.1 (clamped)"
    assert scale_cell(run, inputs.trajectories.iloc[:0]) == "– (clamped)"


def test_one_seed_has_no_deviation_and_several_sets_are_averaged() -> None:
    one = pretraining_inputs(seeds=(0,))
    assert "±" not in "".join(map("".join, gap_table(one).rows))
    assert "deviation" not in gap_table(one).caption
    second = one.results.assign(dataset="second")
    both = PretrainingInputs(
        pd.concat([one.results, second]), one.runs, one.trajectories, one.similarities, one.features
    )
    assert "the mean over 2 data sets" in gap_table(both).caption
    assert gap_table(both).rows == gap_table(one).rows


def test_tasks_stand_in_columns_with_chance_last_and_in_percent(inputs: PretrainingInputs) -> None:
    table = task_table(inputs)
    assert table.header[5:] == [
        *("val, i→t R@1", "val, t→i R@1", "colours, zero-shot top-1", "colours, linear probe top-1")
    ]
    assert table.rows[-1][0] == "chance"
    assert table.rows[-1][5:] == ["0.2", "0.2", "12.5", "12.5"]
    assert table.muted == {len(table.rows) - 1}
    rows = inputs.results[(inputs.results["model"] == "align") & (inputs.results["task"] == "classification")]
    cell = row_of(table, "AlignCLIP (images)")["colours, zero-shot top-1"]
    assert cell == f"{100 * rows['value'].mean():.1f} ± {100 * rows['value'].std():.1f}"


def test_a_run_that_was_not_measured_has_dashes_and_a_study_without_tasks_no_table(inputs: PretrainingInputs) -> None:
    part = inputs.results[inputs.results["model"] != "shared"]
    fewer = PretrainingInputs(part, inputs.runs, inputs.trajectories, inputs.similarities, inputs.features)
    assert row_of(gap_table(fewer), "SharedCLIP")["centroid gap"] == "–"
    assert row_of(task_table(fewer), "SharedCLIP")["val, i→t R@1"] == "–"
    gap = inputs.results[inputs.results["task"] == "gap"]
    alone = PretrainingInputs(gap, inputs.runs, inputs.trajectories, inputs.similarities, inputs.features)
    assert task_table(alone) is None


@pytest.mark.parametrize(
    ("table", "row", "dataset", "metric", "value"),
    [
        ("AlignCLIP scores", "CLIP", "five data sets", "alignment score from", 0.38),
        ("AlignCLIP scores", "SharedCLIP", "five data sets", "alignment score to", 0.62),
        ("AlignCLIP scores", "AlignCLIP", "five data sets", "alignment score to", 0.67),
        ("AlignCLIP zero-shot", "AlignCLIP", "ImageNet", "top1", 32.8),
        ("AlignCLIP zero-shot", "CLIP", "CIFAR-100", "top5", 55.9),
        ("AlignCLIP zero-shot", "AlignCLIP", "CIFAR-10", "top1", 69.3),
        ("AlignCLIP shift", "AlignCLIP", "ImageNet-V2", "top1", 29.1),
        ("AlignCLIP shift", "CLIP", "ImageNet-A", "top1", 6.5),
        ("AlignCLIP shift", "AlignCLIP", "ImageNet-Sketch", "top1", 20.7),
        ("AlignCLIP reproduction", "CLIP (learning rate 1e-3)", "ImageNet", "top1", 36.72),
        ("AlignCLIP reproduction", "AlignCLIP (learning rate 1e-3)", "ImageNet", "top1", 35.5),
    ],
)
def test_published_figures_are_as_quoted(table: str, row: str, dataset: str, metric: str, value: float) -> None:
    figures = published_alignclip().set_index(["table", "row", "dataset", "metric"])["value"]
    assert figures[table, row, dataset, metric] == value


def test_every_published_figure_has_a_source_and_stands_once() -> None:
    figures = published_alignclip()
    assert figures["source"].str.strip().all()
    assert not figures.duplicated(["table", "row", "dataset", "metric"]).any()
    assert (figures["value"].notna() | (figures["note"] != "")).all(), "without a value stands what was published"


def test_published_tables_say_that_they_are_secondary_and_what_has_no_value() -> None:
    scores, zero_shot, shift, reproduction = published_tables()
    assert [table.name for table in (scores, zero_shot)] == [
        "published-AlignCLIP-scores",
        "published-AlignCLIP-zero-shot",
    ]
    for table in (scores, zero_shot, shift):
        assert "Published, not measured here" in table.caption
        assert "the paper itself was not read" in table.caption
    assert "SharedCLIP on the four other data sets: lower than CLIP" in zero_shot.caption
    assert "AlignCLIP is below CLIP" in reproduction.caption
    assert scores.rows == [["CLIP", "0.38", "0.47"], ["SharedCLIP", "0.54", "0.62"], ["AlignCLIP", "0.62", "0.67"]]
    assert shift.rows[0] == ["CLIP", "27.1", "39.8", "6.5", "19.4"]


def test_ours_stand_beside_the_published_ones_and_runs_that_were_not_published_do_not(
    inputs: PretrainingInputs,
) -> None:
    data = beside_alignclip(inputs).data
    ours = data[data["source"] == "this study"]
    assert set(ours["model"]) == {
        *("CLIP, scale 100", "SharedCLIP, scale 100", "SharedCLIP, learned scale (clamped)"),
        "AlignCLIP (images), scale 100",
    }
    score = ours[(ours["model"] == "CLIP, scale 100") & (ours["metric"] == "alignment_score")]["value"].item()
    assert score == pytest.approx(0.68, abs=0.02)
    assert ours[ours["metric"] == "top1"]["value"].min() > 50, "in percent, as published"
    theirs = data[data["source"] != "this study"]
    assert theirs["source"].str.startswith("published (").all()
    assert theirs["value"].notna().all()


def test_the_terminal_has_a_row_a_run(inputs: PretrainingInputs) -> None:
    lines = pretraining_summary(inputs).splitlines()
    assert lines[0].split() == ["pre-training", "alignment", "margin", "centroid", "gap", "mean", "R@1,", "%"]
    assert len(lines) == 1 + len(inputs.runs)
    clip = next(line for line in lines if line.startswith("CLIP, scale 100"))
    rows = inputs.results[inputs.results["model"] == "clip"]
    expected = [rows[rows["metric"] == metric]["value"].mean() for metric in ("alignment_score", "paired_margin")]
    assert clip.split()[3:5] == [f"{value:.3f}" for value in expected]
    assert len(pretraining_summary(pretraining_inputs(grid_rows(), seeds=(0,))).splitlines()) == 33


def test_a_run_without_results_has_dashes_in_the_terminal(inputs: PretrainingInputs) -> None:
    part = inputs.results[inputs.results["model"] != "clip"]
    fewer = PretrainingInputs(part, inputs.runs, inputs.trajectories, inputs.similarities, inputs.features)
    line = next(line for line in pretraining_summary(fewer).splitlines() if line.startswith("CLIP, scale"))
    assert line.split()[3:] == ["–"] * 4
