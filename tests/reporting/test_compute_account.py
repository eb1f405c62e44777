"""The account of compute on the page."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.reporting.compute import COMPUTE_COLUMNS, LEFT_OUT, NO_LOGS, PARTS, compute_section, compute_table

RULES = Path(__file__).parents[2] / "workflow" / "rules"
FACTS = {"trainable_parameters": 11_553_793, "samples_seen": 120_000, "flops": 2.5e12}
RUN = {
    "seconds": 14.25,
    "device": "A processor",
    "processes": 1,
    "precision": "float32",
    "samples_per_second": 8_421.4,
    "share_waiting_for_data": 0.125,
    "cpu_energy_joules": None,
    "gpu_energy_joules": None,
}


def jobs(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["rule", "seconds", "cpu_seconds", "peak_memory_mib"])


SOME = jobs(("embed", 1800, 900, 300), ("embed", 1800, 2700, 500), ("train", 360, 720, 400), ("report", 36, 18, 900))


def words(section) -> str:
    return " ".join(section.text)


def test_every_rule_that_is_timed_belongs_to_one_part():
    known = [rule for rules in PARTS.values() for rule in rules]
    assert len(known) == len(set(known))
    timed = set()
    for path in RULES.glob("*.smk"):
        rules = re.split(r"^(?:rule|checkpoint) (\w+):$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        timed |= {name for name, body in zip(rules[1::2], rules[2::2], strict=True) if "benchmark:" in body}
    assert timed == set(known)


def test_jobs_are_summed_by_part_and_the_largest_memory_stays():
    table = compute_table(SOME, {"encode": 1e9, "ablate": 2e9}).set_index("part")
    assert list(table.index) == ["encode", "train", "ablate", "evaluate"]
    assert table.loc["encode"].to_list() == [2, 1.0, 1.0, 500, 1e9]
    assert table.loc["train", ["jobs", "wall_hours", "cpu_hours"]].to_list() == [1, 0.1, 0.2]
    assert table.loc["ablate", "jobs"] == 0
    assert table.loc["ablate", "flops"] == 2e9
    assert np.isnan(table.loc["train", "flops"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(sum(PARTS.values(), ()))), st.floats(0, 1e6)), max_size=12))
def test_no_second_is_lost_or_counted_twice(rows):
    table = compute_table(jobs(*((rule, seconds, 2 * seconds, 1.0) for rule, seconds in rows)), {})
    assert tuple(table.columns) == COMPUTE_COLUMNS
    assert table["wall_hours"].sum() * 3600 == pytest.approx(sum(seconds for _, seconds in rows))
    assert table["cpu_hours"].sum() == pytest.approx(2 * table["wall_hours"].sum())
    assert table["jobs"].sum() == len(rows)


def test_what_could_not_be_measured_is_missing_and_not_zero():
    table = compute_table(jobs(("train", 10, np.nan, np.nan), ("embed", 10, 7.2, np.nan)), {}).set_index("part")
    assert np.isnan(table.loc["train", "cpu_hours"])
    assert table.loc["encode", "cpu_hours"] == pytest.approx(0.002)
    assert np.isnan(table.loc["encode", "peak_memory_mib"])
    section = compute_section(table.reset_index(), {}, {})
    assert "“encode” with 100%" in words(section)
    assert section.tables[0].rows[1][2:] == ("0.003", "–", "–", "–")


def test_the_dearest_part_is_named_with_its_share():
    section = compute_section(compute_table(SOME, {"encode": 1e9}), {}, {})
    text = words(section)
    assert "took 1.205 CPU hours" in text
    assert "“encode” with 83% of them" in text
    assert "Operations were counted for encode;" in text
    (table,) = section.tables
    assert table.rows[0] == ("encode", "2", "1.000", "1.000", "500", "1e+09")
    assert table.rows[1][-1] == "–"


def test_what_was_published_and_what_it_leaves_out_is_said():
    assert LEFT_OUT in compute_section(compute_table(SOME, {}), {}, {}).text
    assert f"{21_845 / 400:.1f} and" in LEFT_OUT
    assert f"{25_400 / 400:.1f}, and the published factor of 65 is neither" in LEFT_OUT
    assert "no part" in words(compute_section(compute_table(SOME, {}), {}, {}))


def test_without_logs_the_section_says_so_and_keeps_the_operations():
    nothing = compute_section(compute_table(jobs(), {}), {"facts": FACTS}, {})
    assert nothing.text[0] == NO_LOGS
    assert "120,000 pairs" in words(nothing)
    assert nothing.tables == []
    counted = compute_section(compute_table(jobs(), {"train": 2.5e12}), {}, {})
    assert counted.text[0].startswith(NO_LOGS)
    assert "took" not in counted.text[0]
    assert counted.tables[0].rows == [("train", "0", "–", "–", "–", "2.5e+12")]


def test_the_training_tells_its_size_its_speed_and_its_energy():
    table = compute_table(SOME, {})
    text = words(compute_section(table, {"facts": FACTS}, RUN))
    assert "11,553,793 trainable parameters" in text
    assert "120,000 pairs and 2.5e+12 floating point operations." in text
    assert "14.2 s on A processor (1 process, float32), at 8,421 pairs/s, 12.5% of it waiting for data" in text
    assert "does not tell its energy" in text
    several = words(compute_section(table, {}, RUN | {"processes": 2, "gpu_energy_joules": 1234.4}))
    assert "(2 processes," in several
    assert several.count("the GPUs took 1,234 J.") == 1
    both = words(compute_section(table, {}, RUN | {"cpu_energy_joules": 5.0, "gpu_energy_joules": 6.0}))
    assert "the processors took 5 J and the GPUs took 6 J." in both


def test_a_device_of_any_name_is_one_line():
    text = words(compute_section(compute_table(SOME, {}), {}, RUN | {"device": "a\nb" + "c" * 200}))
    assert "\n" not in text
    assert "a bc" in text
    assert "c" * 100 not in text
