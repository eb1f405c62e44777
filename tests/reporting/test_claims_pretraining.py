"""Claims on pre-training: runs are found by their settings, held against their seeds, and the weakest one decides."""

import pandas as pd
import pytest
from pretraining_inputs import four_rows, grid_rows, pretraining_inputs, run_row

from ligature.reporting.claims import Evidence, claims_table
from ligature.reporting.claims.pretraining import MARGIN, PRETRAINING_CLAIMS
from ligature.reporting.pretraining.sources import PretrainingInputs

EMPTY = pd.DataFrame()
COLUMNS = ["task", "dataset", "variant", "model", "metric", "value", "n", "seed", "mix", "set"]
SHARED_LEARNED, SHARED_FIXED = "Sharing .* learned temperature", "Sharing .* fixed temperature"
ALIGN_LEARNED, ALIGN_FIXED = "further, with a learned", "further, at a fixed"
COST, ZERO_SHOT, SHIFT = "costs no retrieval", "classifies better than CLIP", "distribution shift"
RESCALING, ALONE, LEARNED = "re-scaling", "Separation alone", "gap is there with a learned"
ALL = (SHARED_LEARNED, SHARED_FIXED, ALIGN_LEARNED, ALIGN_FIXED, COST, ZERO_SHOT, SHIFT, RESCALING, ALONE, LEARNED)


def ledger(inputs: PretrainingInputs | None) -> pd.DataFrame:
    others = dict.fromkeys(("results", "ablation", "mixes", "sweep"), pd.DataFrame(columns=COLUMNS))
    tables = {"pretraining": inputs.results, "pretraining_runs": inputs.runs} if inputs else {}
    return claims_table(Evidence(correlations=EMPTY, segmentation=EMPTY, **others, **tables))


def row_of(table: pd.DataFrame, words: str) -> pd.Series:
    found = table[table["claim"].str.contains(words)]
    assert len(found) == 1
    return found.iloc[0]


def moved(inputs: PretrainingInputs, run: str, metrics: tuple[str, ...], by: float) -> PretrainingInputs:
    rows = inputs.results.copy()
    rows.loc[(rows["model"] == run) & rows["metric"].isin(metrics), "value"] += by
    return PretrainingInputs(rows, inputs.runs, inputs.trajectories, inputs.similarities, inputs.features)


@pytest.mark.parametrize("words", ALL)
def test_without_pretraining_nothing_is_tested(words: str) -> None:
    row = row_of(ledger(None), words)
    assert row["status"] == "not tested"
    assert row["note"].startswith("takes pre-training ")
    assert "two seeds or more" in row["note"]


def test_every_claim_is_looked_at_here_and_says_where_it_comes_from() -> None:
    assert len(PRETRAINING_CLAIMS) == len(ALL)
    table = ledger(None)
    for words in (SHARED_LEARNED, ALIGN_LEARNED, ZERO_SHOT, SHIFT, RESCALING):
        assert "arXiv 2406.17639, as summarised on public pages" in row_of(table, words)["published"]
    for words in (SHARED_FIXED, ALIGN_FIXED, ALONE, LEARNED):
        assert row_of(table, words)["published"].startswith("not published: a check of our own")


@pytest.mark.parametrize("words", ALL)
def test_one_seed_has_no_interval_so_nothing_is_tested(words: str) -> None:
    assert row_of(ledger(pretraining_inputs(grid_rows(), seeds=(0,))), words)["status"] == "not tested"


def test_the_four_runs_test_what_they_can_and_say_what_they_cannot() -> None:
    table = ledger(pretraining_inputs())
    for words in (SHARED_FIXED, ALIGN_FIXED, COST, ZERO_SHOT, ALONE):
        row = row_of(table, words)
        assert (row["status"], row["n"]) == ("holds", 3)
        assert row["interval"] == "Student's t over 3 seeds"
        assert row["low"] > 0
    for words in (SHARED_LEARNED, ALIGN_LEARNED, SHIFT, RESCALING, LEARNED):
        assert row_of(table, words)["status"] == "not tested"


def test_an_effect_is_the_mean_difference_of_the_seeds_of_the_weaker_measure() -> None:
    inputs = pretraining_inputs()
    row = row_of(ledger(inputs), SHARED_FIXED)
    values = inputs.results.pivot_table(index="seed", columns=["metric", "model"], values="value")
    score = (values["alignment_score", "shared"] - values["alignment_score", "clip"]).mean()
    assert row["effect"] == pytest.approx(score)
    assert row["measure"].startswith("alignment score, SharedCLIP minus CLIP")


def test_a_higher_score_with_a_wider_gap_narrows_nothing() -> None:
    inputs = moved(pretraining_inputs(), "shared", ("centroid_gap",), 0.6)
    row = row_of(ledger(inputs), SHARED_FIXED)
    assert row["status"] == "does not hold"
    assert row["measure"].startswith("centroid gap, CLIP minus SharedCLIP")
    assert row["effect"] == pytest.approx(-0.15, abs=0.02)


def test_runs_are_found_by_their_settings_and_not_by_their_names() -> None:
    renamed = [row | {"run": f"x{place}"} for place, row in enumerate(reversed(four_rows()))]
    table = ledger(pretraining_inputs(renamed))
    assert row_of(table, ALIGN_FIXED)["status"] == row_of(table, ALONE)["status"] == "holds"
    swapped = [row_ | {"run": name} for row_, name in zip(four_rows()[:2], ("shared", "clip"), strict=True)]
    assert row_of(ledger(pretraining_inputs(swapped)), SHARED_FIXED)["status"] == "holds"


def test_runs_of_other_scales_or_settings_are_not_compared() -> None:
    apart = [run_row("clip"), run_row("shared", sharing="all", logit_scale="20.0")]
    assert row_of(ledger(pretraining_inputs(apart)), SHARED_FIXED)["status"] == "not tested"
    weighed = [run_row("clip", alpha=2.0), run_row("shared", sharing="all")]
    assert row_of(ledger(pretraining_inputs(weighed)), SHARED_FIXED)["status"] == "not tested"
    texts = [run_row("shared", sharing="all"), run_row("t", sharing="all", separation="text")]
    assert row_of(ledger(pretraining_inputs(texts)), ALIGN_FIXED)["status"] == "not tested", "not as published"


def test_the_weakest_scale_decides_and_fixed_ones_do_not_count_for_learned_ones() -> None:
    inputs = pretraining_inputs(grid_rows())
    fixed, learned = (row_of(ledger(inputs), words) for words in (SHARED_FIXED, SHARED_LEARNED))
    assert "scale 20" in fixed["measure"]
    assert "learned scale (clamped)" in learned["measure"]
    worse = moved(inputs, "sharing~all/separation~none/logit_scale~50.0", ("alignment_score",), -0.5)
    table = ledger(worse)
    assert row_of(table, SHARED_FIXED)["status"] == "does not hold"
    assert "scale 50" in row_of(table, SHARED_FIXED)["measure"]
    assert row_of(table, SHARED_LEARNED)["status"] == learned["status"]


def test_a_loss_of_recall_within_the_margin_is_none_and_one_beyond_it_is() -> None:
    both = ("i2t_recall@1", "t2i_recall@1")
    level = moved(pretraining_inputs(), "align", both, -0.06)
    row = row_of(ledger(level), COST)
    assert row["status"] == "holds"
    assert f"plus {MARGIN:g}" in row["measure"]
    assert row["effect"] == pytest.approx(0.05 - 0.06 + MARGIN, abs=0.01)
    assert row_of(ledger(moved(pretraining_inputs(), "align", both, -0.09)), COST)["status"] == "does not hold"


def test_rescaling_is_held_against_its_absence_in_all_that_was_measured() -> None:
    rows = [*four_rows(), run_row("plain", sharing="all", separation="image", rescaling="none")]
    inputs = moved(pretraining_inputs(rows), "plain", ("i2t_recall@1", "t2i_recall@1", "top1"), -0.1)
    row = row_of(ledger(inputs), RESCALING)
    assert row["status"] == "holds"
    assert "AlignCLIP (images) minus SharedCLIP + images apart, not re-scaled" in row["measure"]
    assert row_of(ledger(moved(inputs, "plain", ("top1",), 0.3)), RESCALING)["status"] == "does not hold"
    both = [run_row("a", sharing="all", separation="both"), rows[-1]]
    assert row_of(ledger(pretraining_inputs(both)), RESCALING)["status"] == "not tested", "another separation"


@pytest.mark.parametrize("name", ["imagenet-r", "ImageNet-Sketch", "imagenet_v2", "imagenet-a"])
def test_distribution_shift_is_tested_on_data_sets_of_that_name_alone(name: str) -> None:
    inputs = pretraining_inputs()
    rows = inputs.results.assign(dataset=inputs.results["dataset"].replace("colours", name))
    shifted = PretrainingInputs(rows, inputs.runs, inputs.trajectories, inputs.similarities, inputs.features)
    row = row_of(ledger(shifted), SHIFT)
    assert row["status"] == "holds"
    assert name in row["measure"]


def test_the_weakest_shifted_set_decides() -> None:
    inputs = pretraining_inputs()
    found = inputs.results[inputs.results["metric"] == "top1"].assign(dataset="imagenet-r")
    worse = found.assign(dataset="imagenet-a", value=1 - found["value"])
    rows = pd.concat([inputs.results, found, worse])
    both = PretrainingInputs(rows, inputs.runs, inputs.trajectories, inputs.similarities, inputs.features)
    row = row_of(ledger(both), SHIFT)
    assert row["status"] == "does not hold"
    assert "imagenet-a" in row["measure"]


def test_a_learned_temperature_is_held_against_half_the_gap_of_the_widest_fixed_one() -> None:
    rows = [run_row("hot"), run_row("mild", logit_scale="20.0"), run_row("free", logit_scale="learned")]
    row = row_of(ledger(pretraining_inputs(rows)), LEARNED)
    assert row["status"] == "does not hold"
    assert "learned scale minus 0.5 times that of CLIP, scale 100" in row["measure"]
    assert row["effect"] == pytest.approx(0.09 - 0.3, abs=0.02)
    wide = moved(pretraining_inputs(rows), "free", ("centroid_gap",), 0.4)
    assert row_of(ledger(wide), LEARNED)["status"] == "holds"
