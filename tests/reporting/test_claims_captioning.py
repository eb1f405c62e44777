"""Claims on connectors: runs are found by their settings, held against their seeds, and the weakest one decides."""

from dataclasses import replace

import pandas as pd
import pytest
from captioning_inputs import SEEDS, captioning_inputs, run_rows, several_runs, usual_inputs

from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.claims import Evidence, claims_table
from ligature.reporting.claims.captioning import ALLOWED, CAPTIONING_CLAIMS

EMPTY = pd.DataFrame()
COLUMNS = ["task", "dataset", "variant", "model", "metric", "value", "n", "seed", "mix", "set"]
MLP, PERCEIVER, OVIS = "beats an MLP", "beats a Perceiver", "beats a visual embedding table"
LESS_DATA, NOISE, RAW, CENTRED = "larger with less data", "keeps more", "smaller cosine", "still smaller"
PRUNED, HEAD, NORM, COSTS = "most frequent tokens alone", "Starting ALIGN's map", "layer norm over", "time and memory"
PUBLISHED = (MLP, PERCEIVER, OVIS, LESS_DATA, NOISE, RAW, PRUNED, COSTS)
OWN = (CENTRED, HEAD, NORM)
ALL = (*PUBLISHED, *OWN)


def ledger(inputs: CaptioningInputs | None) -> pd.DataFrame:
    none = pd.DataFrame(columns=COLUMNS)
    tables = (
        {}
        if inputs is None
        else {
            "captioning": inputs.results,
            "captioning_runs": inputs.runs,
            "captioning_speed": inputs.speed,
        }
    )
    return claims_table(Evidence(EMPTY, none, none, none, none, EMPTY, **tables))


def row_of(table: pd.DataFrame, words: str) -> pd.Series:
    found = table[table["claim"].str.contains(words)]
    assert len(found) == 1
    return found.iloc[0]


def moved(inputs: CaptioningInputs, run: str, by: float, pairs: str | None = None, **where: object) -> CaptioningInputs:
    """Returns the inputs with the values of some rows of a run moved."""
    rows = inputs.results.copy()
    chosen = (rows["model"] == run) & ((pairs is None) | (rows["pairs"] == pairs))
    for column, value in where.items():
        chosen &= rows[column] == value
    assert chosen.any()
    rows.loc[chosen, "value"] += by
    return replace(inputs, results=rows)


@pytest.fixture(scope="module")
def inputs() -> CaptioningInputs:
    return usual_inputs()


@pytest.fixture(scope="module")
def whole(inputs: CaptioningInputs) -> pd.DataFrame:
    return ledger(inputs)


def test_without_captioning_nothing_is_tested() -> None:
    table = ledger(None)
    for words in ALL:
        row = row_of(table, words)
        assert row["status"] == "not tested"
        assert row["note"].startswith("takes captioning ")
        assert "two seeds or more" in row["note"]


def test_every_claim_is_looked_at_here_and_says_where_it_comes_from(whole: pd.DataFrame) -> None:
    assert len(CAPTIONING_CLAIMS) == len(ALL)
    for words in PUBLISHED:
        assert row_of(whole, words)["published"].startswith("arXiv 2502.01341, ")
    for words in OWN:
        assert row_of(whole, words)["published"].startswith("not published: a check of our own")


def test_one_seed_has_no_interval_so_nothing_is_tested() -> None:
    table = ledger(captioning_inputs(seeds=(0,)))
    assert {row_of(table, words)["status"] for words in ALL} == {"not tested"}


@pytest.mark.parametrize("words", ALL)
def test_the_made_up_effects_are_found_over_three_seeds(whole: pd.DataFrame, words: str) -> None:
    row = row_of(whole, words)
    assert (row["status"], row["n"], row["interval"]) == ("holds", 3, "Student's t over 3 seeds")
    assert 0 < row["low"] <= row["effect"]


def test_an_effect_is_the_mean_difference_where_the_interval_is_lowest(
    inputs: CaptioningInputs, whole: pd.DataFrame
) -> None:
    row = row_of(whole, MLP)
    rows = inputs.results.query("task == 'captioning' and metric == 'cider' and shots == 0 and pairs == 'all'")
    values = rows.pivot_table(index="seed", columns="model", values="value")
    assert row["effect"] == pytest.approx(100 * (values["align"] - values["mlp"]).mean())
    assert row["measure"].startswith("CIDEr-D × 100, ALIGN minus MLP, all pairs; the weakest")


@pytest.mark.parametrize(("words", "run"), [(MLP, "mlp"), (PERCEIVER, "perceiver"), (OVIS, "ovis")])
def test_one_number_of_pairs_at_which_a_rival_is_level_breaks_the_claim(
    inputs: CaptioningInputs, words: str, run: str
) -> None:
    level = moved(inputs, run, 0.5, pairs="2000", task="captioning", metric="cider")
    row = row_of(ledger(level), words)
    assert row["status"] == "does not hold"
    assert "2,000 pairs" in row["measure"]


def test_the_margin_must_shrink_for_every_rival(inputs: CaptioningInputs) -> None:
    steady = moved(inputs, "ovis", -0.2, pairs="all", task="captioning", metric="cider")
    row = row_of(ledger(steady), LESS_DATA)
    assert row["status"] == "does not hold"
    assert "visual table (Ovis) with 500 pairs minus that with all pairs" in row["measure"]
    single = captioning_inputs([row for row in several_runs() if row["pairs"] == "all"])
    assert row_of(ledger(single), LESS_DATA)["status"] == "not tested"


def test_noise_is_judged_at_its_highest_level_by_the_share_kept(inputs: CaptioningInputs) -> None:
    middle = moved(inputs, "mlp", 0.5, task="captioning noise", metric="cider", noise=1.0)
    assert row_of(ledger(middle), NOISE)["status"] == "holds"
    highest = moved(inputs, "mlp", 0.5, task="captioning noise", metric="cider", noise=3.0)
    row = row_of(ledger(highest), NOISE)
    assert row["status"] == "does not hold"
    assert "at noise 3" in row["measure"]


def test_a_small_raw_distance_is_not_a_small_centred_one(inputs: CaptioningInputs) -> None:
    table = ledger(moved(inputs, "align", 0.5, metric="cosine_distance_centred"))
    assert row_of(table, RAW)["status"] == "holds"
    row = row_of(table, CENTRED)
    assert row["status"] == "does not hold"
    assert row["measure"].startswith("centred cosine distance at noise 3, MLP minus ALIGN")
    assert row["effect"] < 0


def test_a_pruned_vocabulary_may_cost_a_little_and_no_more(inputs: CaptioningInputs, whole: pd.DataFrame) -> None:
    assert f"{1 - ALLOWED:g} times the second" in row_of(whole, PRUNED)["measure"]
    costly = moved(inputs, "pruned", -0.1, task="captioning", metric="cider")
    assert row_of(ledger(costly), PRUNED)["status"] == "does not hold"


@pytest.mark.parametrize(("words", "run"), [(HEAD, "random"), (NORM, "no-norm")])
def test_settings_are_compared_on_runs_that_differ_in_them_alone(
    inputs: CaptioningInputs, words: str, run: str
) -> None:
    better = moved(inputs, run, 0.5, task="captioning", metric="cider")
    assert row_of(ledger(better), words)["status"] == "does not hold"
    other = [row | {"factor": 2} if row["run"] == run else row for row in several_runs()]
    assert row_of(ledger(captioning_inputs(other)), words)["status"] == "not tested"


@pytest.mark.parametrize(
    "change", [{"recipe": "large"}, {"vision": "other"}, {"language": "other"}, {"assembly": "in-place"}, {"factor": 2}]
)
def test_connectors_are_compared_in_one_recipe_alone(change: dict) -> None:
    rows = [*run_rows("align"), *run_rows("mlp", "mlp", **change)]
    table = ledger(captioning_inputs(rows))
    assert {row_of(table, words)["status"] for words in (MLP, LESS_DATA, NOISE, RAW, CENTRED, COSTS)} == {"not tested"}


def test_unusual_settings_of_align_do_not_stand_for_the_published_one() -> None:
    rows = [*run_rows("bare", head_init=False, vocabulary_norm=False), *run_rows("mlp", "mlp")]
    assert row_of(ledger(captioning_inputs(rows)), MLP)["status"] == "not tested"


def test_time_and_memory_are_each_held_against_a_little_more_than_an_mlp_takes(inputs: CaptioningInputs) -> None:
    for column, factor in (("images_per_second", 0.9), ("step_seconds", 1.1), ("peak_mib", 1.1)):
        speed = inputs.speed.copy()
        speed.loc[speed["run"] == "align", column] *= factor
        row = row_of(ledger(replace(inputs, speed=speed)), COSTS)
        assert row["status"] == "does not hold"
        assert f"share of MLP's {column.replace('_', ' ')} that ALIGN takes" in row["measure"]
    unknown = inputs.speed.assign(peak_mib=float("nan"))
    assert row_of(ledger(replace(inputs, speed=unknown)), COSTS)["n"] == len(SEEDS)
