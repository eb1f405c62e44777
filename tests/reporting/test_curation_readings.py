"""Sentences about curation: what they say is what the tables hold, and no more."""

import math

import numpy as np
import pandas as pd
import pytest
from curation_inputs import LEVELS, ablation_results, concepts_table, downloads_table, funnel_table, mixes_table
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.reporting.ablation import headline_measures
from ligature.reporting.ablation_readings import ablation_readings, role_of, verdict
from ligature.reporting.coverage import effective_concepts, gini, reached
from ligature.reporting.curation_readings import (
    download_readings,
    evenness_readings,
    funnel_readings,
    selection_readings,
    success_shares,
)

COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any)


def plain_gini(counts: list[int]) -> float:
    """Returns half the mean absolute difference of all pairs over the mean."""
    differences = [abs(a - b) for a in counts for b in counts]
    return sum(differences) / len(differences) / 2 / (sum(counts) / len(counts))


def plain_effective(counts: list[int]) -> float:
    """Returns exp of the entropy, in bits and back."""
    shares = [count / sum(counts) for count in counts if count]
    return 2 ** -sum(share * math.log2(share) for share in shares)


@settings(max_examples=25, deadline=None)
@given(COUNTS)
def test_evenness_is_that_of_the_formulas(counts: list[int]) -> None:
    series = pd.Series(counts)
    assert gini(series) == pytest.approx(plain_gini(counts), abs=1e-12)
    assert effective_concepts(series) == pytest.approx(plain_effective(counts))
    assert 1 <= effective_concepts(series) + 1e-9 <= len(counts) + 2e-9


def test_evenness_at_its_ends() -> None:
    assert (gini(pd.Series([7] * 5)), effective_concepts(pd.Series([7] * 5))) == pytest.approx((0, 5))
    assert (gini(pd.Series([0, 0, 0, 9])), effective_concepts(pd.Series([0, 0, 0, 9]))) == pytest.approx((0.75, 1))
    assert math.isnan(gini(pd.Series([0, 0])))
    assert math.isnan(effective_concepts(pd.Series([0, 0])))
    assert reached(pd.Series([1, 2, 3]), pd.Series([2, 2, 2])) == 2


def ordered() -> pd.DataFrame:
    return concepts_table().sort_values("rarity_rank", ignore_index=True)


def test_funnel_names_the_three_largest_reasons() -> None:
    came, dropped = funnel_readings(funnel_table())
    assert came == "49,000 rows came into the first step, filter."
    rows = funnel_table()
    total = rows.loc[rows["reason"] != "kept", "rows"].sum()
    assert f"dropped {total:,}, most" in dropped
    places = [dropped.index(reason) for reason in ("not selected (select)", "language (filter): 8,820", "same caption")]
    assert places == sorted(places)
    assert "same address" not in dropped
    assert funnel_readings(rows[:0]) == []


def test_a_funnel_that_drops_nothing_says_only_what_came() -> None:
    rows = funnel_table()
    assert len(funnel_readings(rows[rows["reason"] == "kept"])) == 1


def test_selection_counts_concepts_before_and_after() -> None:
    concepts = ordered()
    selected, quota, extremes = selection_readings(concepts)
    assert selected.startswith(f"{concepts['kept'].sum():,} rows were selected for 120 concepts")
    before, after = (sum(row >= 50 for row in concepts[column]) for column in ("pool", "kept"))
    assert before < after
    assert quota.startswith(f"{after} of 120 concepts")
    assert quota.endswith(f"{before} did.")
    assert "rarest concept is <script>" in extremes
    assert "most frequent concept 119 (k-th best caption 0.323, 2,000 in the subset)" in extremes
    assert selection_readings(concepts[:0]) == []
    assert len(selection_readings(concepts[:1])) == 2


def test_evenness_is_told_for_the_stages_that_there_are() -> None:
    concepts = ordered()
    effective, spread = evenness_readings(concepts)
    for column, label in (("pool", "random subset"), ("kept", "selected"), ("final", "reached the mix")):
        assert f"{effective_concepts(concepts[column]):.1f}" in effective
        assert f"{gini(concepts[column]):.2f}" in spread
        assert label in effective
    assert "reached the mix" not in evenness_readings(concepts.assign(final=np.nan))[0]
    assert evenness_readings(concepts.assign(final=0, kept=0, pool=0)) == []


def test_downloads_name_the_reason_and_the_sets_at_both_ends() -> None:
    downloads = downloads_table()
    all_rows, by_set = download_readings(downloads)
    arrived = downloads.loc[downloads["status"] == "success", "rows"].sum()
    assert all_rows.startswith(f"{arrived:,} of {downloads['rows'].sum():,} images arrived")
    assert "HTTP 404" in all_rows
    assert "collected arrived best (55.0" in by_set
    assert "cc3m worst" in by_set
    shares = success_shares(downloads, "set")
    assert list(shares.index) == ["collected", "random", "cc3m"]
    assert shares["collected"] == pytest.approx(0.55, abs=0.001)


def test_downloads_that_all_arrived_or_none_were_asked() -> None:
    downloads = downloads_table()
    (sentence,) = download_readings(downloads[(downloads["status"] == "success") & (downloads["set"] == "random")])
    assert sentence.endswith("arrived (100.0\u00a0%).")
    assert "equally well" in download_readings(downloads[downloads["status"] == "success"])[1]
    assert download_readings(downloads[:0]) == []
    assert download_readings(downloads.assign(rows=0)) == []


@pytest.mark.parametrize(
    ("sets", "role"),
    [
        ({"collected"}, "collected"),
        ({"random"}, "random"),
        ({"cc3m", "sbu"}, "captioned"),
        ({"collected", "cc3m"}, "both"),
        ({"random", "cc3m"}, None),
        ({"random", "collected"}, None),
        (set(), None),
    ],
)
def test_what_a_mix_stands_for_follows_from_its_sets(sets: set[str], role: str | None) -> None:
    assert role_of(sets) == role


def measurement(value: float, sd: float, seeds: int = 3) -> pd.Series:
    return pd.Series({"value": value, "sd": sd, "seeds": seeds})


def test_verdicts_need_intervals_that_are_apart() -> None:
    high, low, wide = measurement(0.6, 0.01), measurement(0.5, 0.01), measurement(0.5, 0.2)
    assert verdict(high, low) == "above"
    assert verdict(low, high) == "below"
    assert verdict(high, wide) == verdict(wide, high) == verdict(high, high) == "overlap"
    assert verdict(high, measurement(0.1, math.nan, seeds=1)) == "one seed"


def readings(**changed: tuple[float, float, float]) -> dict[str, list[str]]:
    measures = headline_measures(ablation_results(LEVELS | changed))
    return dict(ablation_readings(measures, mixes_table()))


def test_clear_results_are_claimed() -> None:
    said = readings()
    assert [len(said[heading]) for heading in ("Classification", "Retrieval", "Both")] == [2, 2, 1]
    first = said["Classification"][0]
    assert first.startswith(
        "labels, top-1: class-collected data beat random data (“collected” 53.0 ± 1.0\u00a0%, “random”"
    )
    assert all("captioned data beat class-collected data (" in sentence for sentence in said["Retrieval"])
    assert said["Both"][0].startswith("“both” gets both")
    assert not any("not shown" in sentence for sentences in said.values() for sentence in sentences)


def test_overlap_is_not_shown_and_the_contrary_is_said() -> None:
    said = readings(random=(0.515, 0.2, 0.2), captioned=(0.7, 0.1, 0.1))
    assert "is not shown, the intervals overlap" in said["Classification"][0]
    assert "captioned data is contradicted" in said["Classification"][1]
    assert all("beat class-collected data is contradicted" in sentence for sentence in said["Retrieval"])


def test_a_mix_gets_both_only_if_it_gains_and_loses_nothing() -> None:
    loses = readings(both=(0.45, 0.44, 0.40))["Both"][0]
    assert loses == "That “both” gets both is not shown: it is not level with “collected” on labels, top-1."
    gains_nothing = readings(both=(0.52, 0.215, 0.40))["Both"][0]
    assert "not clearly above “collected” on val, i→t R@1" in gains_nothing
    assert "not level with “captioned” on val, i→t R@1" in gains_nothing
    assert "t→i" not in gains_nothing


def test_one_seed_shows_nothing() -> None:
    measures = headline_measures(ablation_results(seeds=1))
    said = dict(ablation_readings(measures, mixes_table()))
    assert all("one seed has no spread" in sentence for sentence in said["Classification"] + said["Retrieval"])
    assert "is not shown" in said["Both"][0]


def test_what_was_not_measured_is_said() -> None:
    results = ablation_results({mix: LEVELS[mix] for mix in ("collected", "both")})
    measures = headline_measures(results[results["task"] == "classification"])
    said = dict(ablation_readings(measures, mixes_table()))
    assert said["Classification"][0] == "Whether class-collected data beat random data was not measured."
    assert said["Both"][0].startswith("Whether “both” gets both was not measured: no classification against captioned")
    assert ablation_readings(measures, mixes_table()[:0]) == []
