"""Hours and bytes by rule, and the page that shows them."""

import pandas as pd
import pytest
from plan_examples import facts_of, public_values, tiny_values

from ligature.errors import ParamsError
from ligature.planning import Job, Workers, plan_study, plan_text

FACTS = facts_of(tiny_values(), given={"start": 0.5, "score": 614_400, "load an encoder": 0.1, "decode": 1024})
SCORES = [Job("score", {"part": f"{part:05d}"}) for part in range(4)]
"""Each takes 2 s to start and 614,400 operations."""


def row(jobs, workers, facts=FACTS) -> pd.Series:
    table = plan_study(facts, jobs, workers).table
    assert len(table) == 1
    return table.iloc[0]


def test_without_a_gpu_cores_do_everything():
    found = row(SCORES, Workers(gpus=0, cores=2))
    assert (found["jobs"], found["gpu_hours"]) == (4, 0)
    assert found["cpu_hours"] * 3600 == pytest.approx(4 * 3)
    assert found["hours"] * 3600 == pytest.approx(2 * 3), "two at a time"
    assert found["longest_job_hours"] * 3600 == pytest.approx(3)


def test_a_gpu_is_held_from_start_to_end():
    found = row(SCORES, Workers(gpus=4, cores=2))
    assert found["gpu_hours"] * 3600 == pytest.approx(4 * 3)
    assert found["cpu_hours"] * 3600 == pytest.approx(4 * 2)
    assert found["hours"] * 3600 == pytest.approx(3), "all at once"


def test_a_gpu_waits_for_the_images_that_its_cores_decode():
    job = Job("embed", {"encoder": "vit-untrained", "dataset": "captions-val", "view": "pooled", "part": "00000"})
    found = row([job], Workers(gpus=1, cores_of_gpu=4))
    assert found["cpu_hours"] * 3600 == pytest.approx(10 + 60, rel=1e-4)
    assert found["gpu_hours"] * 3600 == pytest.approx(10 + 60 / 4, rel=1e-3)


def test_the_training_takes_all_gpus_at_once():
    one, four = (row([Job("train")], Workers(gpus=count)) for count in (1, 4))
    assert four["gpu_hours"] == one["gpu_hours"] == one["hours"] > 0
    assert four["hours"] == pytest.approx(one["hours"] / 4)
    alone = row([Job("train")], Workers(gpus=0))
    assert (alone["gpu_hours"], alone["hours"]) == (0, alone["cpu_hours"])


def test_rules_stand_in_the_order_of_the_work_and_unknown_ones_last():
    jobs = [Job("report"), Job("brew"), Job("world"), *SCORES]
    plan = plan_study(FACTS, jobs, Workers())
    assert plan.table["rule"].to_list() == ["world", "score", "report", "brew"]
    brew = plan.table.set_index("rule").loc["brew"]
    assert (brew["jobs"], brew["unknown_jobs"]) == (1, 1)
    assert pd.isna(brew["cpu_hours"])
    assert "rule brew: the plan does not know it" in plan.unknown[0]


def test_a_step_without_a_rate_is_named_and_never_zero():
    rates = {key: rate for key, rate in FACTS.tables.rates.items() if key[0] != "score"}
    facts = facts_of(tiny_values())
    object.__setattr__(facts, "tables", type(facts.tables)(**{**vars(facts.tables), "rates": rates}))
    plan = plan_study(facts, SCORES, Workers())
    assert plan.unknown == [f"step 'score': no rate on a cpu in {facts.tables.folder / 'rates.csv'}; add a row"]
    assert plan.table["cpu_hours"].isna().all()


def test_encoders_from_a_hub_are_downloads():
    values = tiny_values()
    values["encoders"]["vision"].append({"name": "dino", "loader": "transformers", "source": "facebook/dinov2-base"})
    values["encoders"]["text"].append({"name": "x", "loader": "sentence-transformers", "source": "who/knows"})
    plan = plan_study(facts_of(values), SCORES, Workers())
    assert plan.weights == {"facebook/dinov2-base (dino)": pytest.approx(4 * 85.4e6, rel=0.01)}
    assert "encoders.x: 'who/knows' is not in" in plan.unknown[0]


def test_the_page_shows_rules_sums_rates_and_what_is_missing():
    jobs = [*SCORES, Job("brew"), Job("world")]
    text = plan_text(plan_study(FACTS, jobs, Workers(2, 3, 4)), FACTS, Workers(2, 3, 4))
    assert "Study tiny, with nothing made yet. Pair: vit-untrained and bag-of-words (fixed by the study)." in text
    assert "Workers: 2 GPUs with 4 cores each, 3 cores" in text
    assert "| score | 4 | 0.00333 | 0.00222 | 0 B | 276 kB |" in text
    assert "| brew | 1 | unknown |" in text
    assert "In all: 6 jobs, 0.00333 GPU-hours" in text
    assert "What is not known is not in these sums" in text
    assert "- rule brew: the plan does not know it" in text
    assert "| score | gpu | 2.46 M FLOP | 614 k FLOP/s | given |" in text
    assert "| tokens of a caption | 18 tokens | assumed" in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.count("|") for line in tables}) == 3, "three tables, each with its own number of columns"


def test_an_assumed_pair_and_access_to_ask_for_are_said():
    values = public_values()
    values["pairs"]["choose"] = None
    study = facts_of(public_values())
    assumed = facts_of(public_values())
    object.__setattr__(assumed, "study", type(study.study).model_validate(values))
    text = plan_text(plan_study(assumed, SCORES, Workers()), assumed, Workers())
    assert "assumed, since discovery chooses it; --pair VISION,TEXT assumes another" in text
    assert "- ask for access to pool@v1 at " in text
    assert "- pool@v1: free" in text
    assert "ask for access to photos@v1" not in text


@pytest.mark.parametrize("workers", [(-1, 1, 1), (0, 0, 1), (1, 1, 0)])
def test_there_is_at_least_one_core(workers):
    with pytest.raises(ParamsError, match="give at least one core"):
        Workers(*workers)
