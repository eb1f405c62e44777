"""The plan of a curation against sums done by hand."""

import dataclasses
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.curation.plan import COLUMNS, merge_levels, plan_curation, plan_text, scoring_flop
from ligature.curation.scale import UNITS, GivenRate, Rates, Scale
from ligature.errors import ParamsError

SCALE = Scale(
    captions=1_000_000,
    concepts=100,
    dims=50,
    k=3000,
    quota=1000,
    over_collect=1.5,
    mean_caption_characters=42,
    mean_url_characters=50,
    mean_image_bytes=20_000,
    jobs=10,
    fan_in=4,
)
RATES = Rates(
    {
        "read metadata": 1000,
        "embed captions": 100,
        "score": 1e9,
        "merge states": 1e6,
        "select": 1e5,
        "download": 50,
        "pack": 200,
    }
)
HOUR = 3600


def by_step(rates=RATES, scale=SCALE) -> pd.DataFrame:
    return plan_curation(rates, scale).set_index("step")


def changed(**changes) -> Scale:
    return dataclasses.replace(SCALE, **changes)


BY_HAND = {
    # step: units, hours on one worker, hours on all jobs, jobs, bytes written, bytes read
    "read metadata": (1e6, 1000 / HOUR, 100 / HOUR, 10, 100e6, 100e6),
    "embed captions": (1e6, 10_000 / HOUR, 1000 / HOUR, 10, 1e6 * 50 * 2, 42e6),
    "score": (2 * 1e6 * 100 * 50, 10 / HOUR, 1 / HOUR, 10, 10 * 100 * 3000 * 12, 1e6 * 50 * 2),
    # ten states become three, then one: thirteen are read and four written, of 300,000 entries each;
    # on ten workers a merge of four states is followed by one of three
    "merge states": (13 * 300_000, 3.9 / HOUR, 7 * 0.3 / HOUR, 10, 4 * 300_000 * 12, 13 * 300_000 * 12),
    "select": (300_000, 3 / HOUR, 3 / HOUR, 1, 150_000 * 108, 300_000 * 12 + 100e6),
    "download": (150_000, 3000 / HOUR, 300 / HOUR, 10, 3e9, 3e9),
    "pack": (100_000, 500 / HOUR, 50 / HOUR, 10, 100_000 * 20_042, 2e9),
}


@pytest.mark.parametrize("step", UNITS)
def test_every_step_costs_what_it_costs_by_hand(step):
    row = by_step().loc[step]
    columns = ["units", "hours_one_worker", "hours_all_jobs", "jobs", "bytes_written", "bytes_read"]
    assert [row[column] for column in columns] == pytest.approx(BY_HAND[step])
    assert (row["unit"], row["units_per_second_per_worker"]) == (UNITS[step], RATES.measured[step])


def test_a_plan_has_one_row_a_step_in_the_order_of_the_work():
    plan = plan_curation(RATES, SCALE)
    assert plan["step"].to_list() == list(UNITS) == list(BY_HAND)
    assert plan.columns.to_list() == COLUMNS


def test_scoring_the_published_pool_takes_two_petaflop():
    assert scoring_flop(407_000_000, 2754, 1024) == pytest.approx(2.3e15, rel=0.01)
    published = Scale(
        concepts=2754,
        dims=1024,
        k=50_000,
        quota=2000,
        over_collect=1,
        mean_caption_characters=60,
        mean_image_bytes=2e4,
        jobs=1,
    )
    plan = by_step(scale=published)
    assert plan.loc["embed captions", "bytes_written"] == pytest.approx(834e9, rel=0.001)
    assert plan.loc["score", "bytes_written"] == pytest.approx(1.65e9, rel=0.01)
    assert plan.loc["download", "units"] == 5_508_000


@pytest.mark.parametrize(
    ("states", "fan_in", "levels"),
    [
        (1, 8, []),
        (8, 8, [(8, 1)]),
        (9, 8, [(9, 2), (2, 1)]),
        (10, 4, [(10, 3), (3, 1)]),
        (5, 2, [(5, 3), (3, 2), (2, 1)]),
    ],
)
def test_merges_form_a_tree(states, fan_in, levels):
    assert merge_levels(states, fan_in) == levels


def test_one_job_has_nothing_to_merge_and_all_jobs_are_one_worker():
    plan = by_step(scale=changed(jobs=1))
    assert plan.loc["merge states", ["units", "hours_one_worker", "bytes_written", "bytes_read"]].eq(0).all()
    assert plan["hours_all_jobs"].to_list() == pytest.approx(plan["hours_one_worker"].to_list())


def test_no_more_rows_are_asked_for_than_states_and_pool_hold():
    assert by_step(scale=changed(k=1200)).loc["download", "units"] == 100 * 1200
    assert by_step(scale=changed(k=700)).loc["pack", "units"] == 100 * 700
    small = by_step(scale=changed(captions=5000))
    assert small.loc[["download", "pack"], "units"].to_list() == [5000, 5000]
    assert by_step(scale=changed(captions=2000)).loc["select", "units"] == 100 * 2000


GROWING = ["captions", "concepts", "dims", "k", "quota", "over_collect", "mean_caption_characters", "mean_image_bytes"]


@settings(max_examples=25, deadline=None)
@given(key=st.sampled_from(GROWING), factor=st.integers(1, 5), jobs=st.integers(1, 40))
def test_more_of_anything_never_costs_less(key, factor, jobs):
    base = changed(jobs=jobs)
    larger = dataclasses.replace(base, **{key: getattr(base, key) * factor})
    less, more = by_step(scale=base), by_step(scale=larger)
    for column in ("units", "hours_one_worker", "hours_all_jobs", "bytes_written", "bytes_read"):
        assert (more[column] >= less[column] * (1 - 1e-12)).all(), column


@settings(max_examples=25, deadline=None)
@given(jobs=st.integers(1, 40), more=st.integers(0, 40))
def test_jobs_share_the_work_and_never_take_longer_than_one_worker(jobs, more):
    few, many = by_step(scale=changed(jobs=jobs)), by_step(scale=changed(jobs=jobs + more))
    assert (few["hours_all_jobs"] <= few["hours_one_worker"] * (1 + 1e-12)).all()
    others = [step for step in UNITS if step != "merge states"]
    assert (many.loc[others, "hours_all_jobs"] <= few.loc[others, "hours_all_jobs"]).all()


@settings(max_examples=25, deadline=None)
@given(measured=st.sets(st.sampled_from(list(UNITS))), stated=st.sets(st.sampled_from(list(UNITS))))
def test_only_what_was_measured_is_called_measured(measured, stated):
    rates = Rates(
        {step: RATES.measured[step] for step in measured},
        {step: GivenRate(1e6, 2, "accelerator") for step in stated},
        worker="a core of this study",
    )
    for step, row in by_step(rates).iterrows():
        assert (row["measured"] == "yes") is (step in measured - stated)
        assert ("measured on a core of this study" in row["note"]) is (step in measured - stated)
        assert ("given for accelerator" in row["note"]) is (step in stated)
        assert pd.isna(row["hours_one_worker"]) is (step not in measured | stated)
        assert row["bytes_written"] == by_step().loc[step, "bytes_written"]


def test_a_given_rate_has_workers_of_its_own_and_select_has_one():
    faster = {"embed captions": GivenRate(5000, 4), "select": GivenRate(1e6, 4)}
    plan = by_step(Rates(RATES.measured, faster))
    assert plan.loc["embed captions", "hours_one_worker"] == pytest.approx(200 / HOUR)
    assert plan.loc["embed captions", "hours_all_jobs"] == pytest.approx(50 / HOUR)
    assert plan["jobs"].to_dict() == dict.fromkeys(UNITS, 10) | {"embed captions": 4, "select": 1}
    assert plan.loc["pack", "hours_all_jobs"] == by_step().loc["pack", "hours_all_jobs"]


def test_text_shows_every_step_with_units_and_the_sums():
    text = plan_text(plan_curation(RATES, SCALE), SCALE)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(UNITS)
    assert len({line.count("|") for line in table}) == 1
    assert "| score | 10 G FLOP | 1 G FLOP/s | 10 s | 1 s | 10 | 36 MB | 100 MB | yes |" in text
    assert "1,000,000 captions, 100 concepts, 50 dims, the 3,000 best of each, 1,000 rows each, 1.5 times" in text
    assert "4 h 2 min on one worker, 24 min on all jobs" in text
    assert "Without a rate" not in text


def test_text_says_what_it_cannot_know():
    plan = plan_curation(Rates({"score": 1e9}, {"pack": GivenRate(200, 1, "node | with\na bar")}), SCALE)
    text = plan_text(plan, SCALE)
    assert (
        "Without a rate, and not in these sums: read metadata, embed captions, merge states, select, download." in text
    )
    assert "| download | 150 k images | unknown | unknown | unknown | 10 | 3 GB | 3 GB | no | no rate: measure" in text
    assert r"given for node \| with a bar" in text
    assert len(re.findall(r"\| yes \|", text)) == 1


@pytest.mark.parametrize(
    ("measured", "stated", "words"),
    [
        ({"embed": 3.0}, {}, "rate of an unknown step 'embed'; known: read metadata, "),
        ({}, {"train": GivenRate(1.0)}, "rate of an unknown step 'train'"),
        ({"score": 0.0}, {}, "the rate of 'score' is 0.0; give FLOP a second, above 0"),
        ({"pack": float("nan")}, {}, "the rate of 'pack' is nan; give images a second"),
        ({}, {"score": GivenRate(float("inf"))}, "the rate of 'score' is inf"),
        ({}, {"score": GivenRate(1.0, 0)}, "given for 0 workers; give at least 1"),
    ],
)
def test_impossible_rates_are_refused(measured, stated, words):
    with pytest.raises(ParamsError, match=words):
        Rates(measured, stated)


@pytest.mark.parametrize(
    ("key", "value", "lowest"),
    [("captions", 0, 1), ("jobs", 0, 1), ("fan_in", 1, 2), ("over_collect", 0.9, 1), ("mean_image_bytes", -1, 1)],
)
def test_an_impossible_scale_is_refused(key, value, lowest):
    with pytest.raises(ParamsError, match=f"{key} is {value}: it is at least {lowest}"):
        changed(**{key: value})
    with pytest.raises(ParamsError, match=f"{key} is nan"):
        changed(**{key: float("nan")})


@pytest.mark.parametrize("value", [0.5, 12.0, 999.4, 1e3, 9.996e5, 1.72e15, 4e21])
def test_amounts_keep_their_size_under_every_prefix(value):
    flops = Rates({"score": value})
    cell = plan_text(plan_curation(flops, SCALE), SCALE).split("| score |")[1].split("|")[1]
    number, prefix = re.fullmatch(r" ([\d.,e+]+) ?([kMGTPE]?) FLOP/s ", cell).groups()
    scale = 1000 ** " kMGTPE".index(prefix or " ")
    assert float(number.replace(",", "")) * scale == pytest.approx(value, rel=0.005)
