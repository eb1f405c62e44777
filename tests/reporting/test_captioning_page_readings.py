"""What is said of connectors: every sentence follows from the tables, and without two seeds nothing is shown."""

from dataclasses import replace

import pandas as pd
import pytest
from captioning_inputs import captioning_inputs, run_rows, several_runs, usual_inputs

from ligature.reporting.captioning.controls import control_rows, runs_of
from ligature.reporting.captioning.readings import captioning_readings, connector_readings
from ligature.reporting.captioning.sections import captioning_headlines
from ligature.reporting.captioning.sources import CaptioningInputs


@pytest.fixture(scope="module")
def inputs() -> CaptioningInputs:
    return usual_inputs()


def moved(inputs: CaptioningInputs, by: float, query: str) -> CaptioningInputs:
    rows = inputs.results.copy()
    chosen = rows.query(query).index
    assert len(chosen)
    rows.loc[chosen, "value"] += by
    return replace(inputs, results=rows)


def said(inputs: CaptioningInputs, heading: str) -> list[str]:
    return dict(captioning_readings(inputs))[heading]


def test_connectors_are_compared_at_every_number_of_pairs(inputs: CaptioningInputs) -> None:
    first, second, last = connector_readings(inputs)
    assert first.startswith("500 pairs, CIDEr-D × 100: ALIGN is above MLP (2")
    assert second.startswith("2,000 pairs")
    assert last.startswith("All pairs")
    assert all(name in first for name in ("Perceiver", "visual table (Ovis)"))
    assert captioning_headlines(inputs) == [("Captioning", [first, second, last])]


def test_a_difference_inside_its_interval_is_none(inputs: CaptioningInputs) -> None:
    query = "model == 'mlp' and task == 'captioning' and metric == 'cider' and pairs == 'all' and shots == 0"
    level = said(moved(inputs, 0.08, query), "Connectors")[-1]
    assert "not distinguishable over seeds from MLP (" in level
    assert "above Perceiver" in level
    below = said(moved(inputs, 0.3, query), "Connectors")[-1]
    assert "below MLP (−" in below


def test_align_with_departures_is_not_the_published_one() -> None:
    rows = run_rows("align") + run_rows("mlp", "mlp")
    for name, departure in {"bare": {"affine_norm": False}, "biased": {"bias": True}}.items():
        rows += run_rows(name, **departure)
    sentences = connector_readings(captioning_inputs(rows))
    assert len(sentences) == 3, "one a number of pairs, of one ALIGN alone"
    assert all(": ALIGN is above MLP (" in sentence for sentence in sentences)


def test_one_seed_shows_nothing() -> None:
    readings = dict(captioning_readings(captioning_inputs(seeds=(0,))))
    assert all("one seed, so nothing is shown, of MLP" in sentence for sentence in readings["Connectors"])
    assert readings["Data"] == []
    assert "with one seed cannot be held against it" in readings["Chance"][-1]
    for sentences in readings.values():
        assert not any(word in sentence for sentence in sentences for word in (" above ", " below ", "larger"))


CIDER_500 = "metric == 'cider' and pairs == '500' and task == 'captioning' and shots == 0"


def test_trainings_are_held_against_their_own_controls(inputs: CaptioningInputs) -> None:
    shuffled, blind = said(inputs, "Chance")
    own = inputs.results.query("task == 'captioning' and metric == 'cider' and shots == 0")
    own = 100 * own.loc[~own["model"].isin(["shuffled", "blind"]), "value"].mean()
    assert shuffled == (
        "Shuffled, captions held against the references of other images, CIDEr-D × 100: 5.0 on average, and "
        f"{own:.1f} for captions with their own references; paired over seeds, above theirs: 21 of 21 trainings."
    )
    assert blind.startswith("Blind, the one caption that a model makes of the mean of all images' features, ")
    assert f"CIDEr-D × 100: 10.0 on average, and {own:.1f} for" in blind
    assert blind.endswith("above theirs: 21 of 21 trainings.")
    with_examples = inputs.results.query("model == 'shuffled'").assign(shots=2.0, value=3.0)
    both = replace(inputs, results=pd.concat([inputs.results, with_examples], ignore_index=True))
    assert said(both, "Chance") == [shuffled, blind], "chance is that of captions without examples"
    assert said(replace(inputs, results=inputs.results.query("model != 'blind'")), "Chance") == [shuffled]
    unknown = replace(inputs, results=inputs.results.query("model not in ['shuffled', 'blind']"))
    assert said(unknown, "Chance") == []


@pytest.mark.parametrize(("place", "control", "level"), [(0, "shuffled", 0.05), (1, "blind", 0.1)])
def test_a_training_is_named_by_its_own_control_alone(
    inputs: CaptioningInputs, place: int, control: str, level: float
) -> None:
    query = f"model == '{control}' and protocol.str.startswith('captions of mlp, ') and {CIDER_500}"
    sentence = said(moved(inputs, 1 - level, query), "Chance")[place]
    assert sentence.endswith("above theirs: 20 of 21 trainings; below theirs: MLP (500 pairs).")
    sentence = said(moved(inputs, 0.72 - 0.36 - level, query), "Chance")[place]
    assert sentence.endswith("; not distinguishable over seeds from theirs: MLP (500 pairs).")


def test_a_training_and_its_control_are_paired_by_seed(inputs: CaptioningInputs) -> None:
    rows = inputs.results.copy()
    mlp = rows.eval("(model == 'mlp' or protocol.str.startswith('captions of mlp, '))")
    rows.loc[mlp, "value"] += (rows["seed"] - 1) * 5
    assert "21 of 21 trainings" in said(replace(inputs, results=rows), "Chance")[0]
    rows["seed"] = rows["seed"].where(rows["model"] != "shuffled", (rows["seed"] + 1) % 3)
    assert "MLP (500 pairs), MLP (2,000 pairs)" in said(replace(inputs, results=rows), "Chance")[0]


def test_a_training_without_a_control_and_a_data_set_without_one_do_not_count(inputs: CaptioningInputs) -> None:
    gone = inputs.results.query("not (model == 'blind' and protocol.str.startswith('captions of mlp, '))")
    assert "18 of 18 trainings" in said(replace(inputs, results=gone), "Chance")[1]
    single = inputs.results.query("model == 'mlp'").assign(dataset="single", value=-9.0)
    both = replace(inputs, results=pd.concat([inputs.results, single], ignore_index=True))
    assert said(both, "Chance") == said(inputs, "Chance")


def test_a_control_is_of_the_run_that_its_protocol_names() -> None:
    protocols = ["greedy", "captions of a.b-c, references of other images", "captions of d, one for all", "greedy", ""]
    rows = pd.DataFrame({"model": ["a", "shuffled", "blind", "shuffled", "blind"], "protocol": protocols})
    assert runs_of(rows).tolist() == ["a", "a.b-c", "d", "", ""]
    assert control_rows(rows, "shuffled")["model"].tolist() == ["a.b-c", ""]


def test_the_margin_by_data_is_larger_smaller_or_not_shown_to_change(inputs: CaptioningInputs) -> None:
    first, *others = said(inputs, "Data")
    assert first.startswith("500 pairs instead of all pairs: the margin of ALIGN over MLP is larger (1")
    assert len(others) == 2
    query = "model == 'mlp' and task == 'captioning' and metric == 'cider' and pairs == '500' and shots == 0"
    assert "over MLP is not shown to change (" in said(moved(inputs, 0.16, query), "Data")[0]
    assert "over MLP is smaller (−" in said(moved(inputs, 0.3, query), "Data")[0]


def test_noise_is_told_at_its_highest_level_with_both_distances(inputs: CaptioningInputs) -> None:
    kept, shares, raw, centred = said(inputs, "Noise")
    assert kept.startswith("Noise of 3 standard deviations, all pairs: of its own CIDEr-D × 100 is kept by ALIGN 7")
    assert "the share kept in points: ALIGN is above MLP (" in shares
    assert "the cosine distance: ALIGN is below MLP (−0.3" in raw
    assert "the centred cosine distance: ALIGN is below MLP (−0.3" in centred
    query = "model == 'align' and metric == 'cosine_distance_centred' and noise == 3"
    *_, centred = said(moved(inputs, 0.3, query), "Noise")
    assert "ALIGN is not distinguishable over seeds from" in centred


def test_a_study_without_noise_says_nothing_of_it(inputs: CaptioningInputs) -> None:
    quiet = replace(inputs, results=inputs.results[inputs.results["task"] != "captioning noise"])
    assert said(quiet, "Noise") == []
    clean = replace(inputs, results=inputs.results[~(inputs.results["noise"] > 0)])
    assert said(clean, "Noise") == []


def test_the_effective_vocabulary_is_that_of_the_largest_training(inputs: CaptioningInputs) -> None:
    (sentence,) = said(inputs, "Vocabulary")
    assert "ALIGN 2,400 tokens (" in sentence
    assert "ALIGN, 340 tokens 204 tokens (" in sentence
    assert "MLP" not in sentence


def test_settings_of_align_are_compared_pair_by_pair(inputs: CaptioningInputs) -> None:
    sentences = said(inputs, "Settings")
    assert len(sentences) == 3 * 3
    assert "a random one, 500 pairs, CIDEr-D × 100: ALIGN is above ALIGN, random head (" in sentences[0]
    assert "ALIGN is above ALIGN, no vocabulary norm (" in sentences[3]
    assert sentences[6].startswith("A pruned vocabulary against the whole, 500 pairs")


def test_without_a_rival_nothing_is_compared() -> None:
    alone = captioning_inputs(run_rows("align"))
    assert connector_readings(alone) == []
    rivals = captioning_inputs([row for row in several_runs() if row["kind"] != "align"])
    assert connector_readings(rivals) == []


def test_many_rivals_are_counted_and_not_all_named() -> None:
    rows = run_rows("align", pairs=("all",))
    for place in range(12):
        rows += run_rows(f"mlp-{place}", "mlp", pairs=("all",))
    (sentence,) = connector_readings(captioning_inputs(rows))
    assert "4 more" in sentence
