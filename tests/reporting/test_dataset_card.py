import re

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.errors import DataError
from ligature.reporting.dataset_card import FACTS, size_category, write_dataset_card
from ligature.reporting.markdown import escaped, items, shown, table

FACT_VALUES = {
    "study": "mini",
    "version": "3",
    "code_version": "0.1.0",
    "selected_rows": 12_345,
    "concepts": [{"concept": number, "name": f"thing {number}", "rows": 7 * number} for number in range(20)],
    "prototypes": {
        "dataset": "imagenet",
        "vision": "dino",
        "text": "roberta",
        "kind": "images",
        "shots": 128,
        "provenance": {"seed": 3},
    },
    "curate": {
        "order": "rarest",
        "quota": 6000,
        "k": 9000,
        "min_score": None,
        "over_collect": 1.5,
        "backfill": True,
        "seed": 0,
        "pool": ["laion"],
        "filters": {"min_words": 3, "languages": ["en", "de"], "max_nsfw": 0.5},
        "duplicates": {"url": True, "semantic": None},
        "decontaminate": {"datasets": []},
    },
    "sources": [
        {"name": "laion", "version": "2021", "licence": "CC-BY-4.0", "address": "https://x.org/{part}", "rows": 12_000},
        {"name": "sbu", "version": "2011", "licence": "", "address": "https://y.org/sbu.tar.gz", "rows": 345},
    ],
    "funnel": [
        {"step": "filter", "source": "laion", "reason": "too short", "rows": 25, "rows_in": 200},
        {"step": "filter", "source": "laion", "reason": "kept", "rows": 175, "rows_in": 200},
    ],
    "download": {"collected": {"timeout": 10, "success": 60, "status 404": 30}},
}
HOSTILE = (
    '<script>alert(1)</script> ![x](http://evil.org/p.png) [a](javascript:b) | `c` **d** www.evil.org $e$ &lt; "\n# f'
)


def written(folder, **facts):
    path = write_dataset_card(folder, facts)
    assert path == folder / "README.md"
    return path.read_text(encoding="utf-8")


def front_matter(card):
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


def section(card, title):
    return card.split(f"\n## {title}\n")[1].split("\n## ")[0].strip()


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return written(tmp_path_factory.mktemp("card"), **FACT_VALUES)


def test_the_front_matter_is_what_a_hub_reads(card):
    values = front_matter(card)
    assert values["license"] == "other"
    assert values["size_categories"] == ["10K<n<100K"]
    assert values["pretty_name"] == "mini: concept-balanced captions"
    assert values["configs"] == [{"config_name": "default", "data_files": "selected.parquet"}]
    assert values["task_categories"]


@pytest.mark.parametrize(
    ("rows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (9_999_999, "1M<n<10M"), (10**11, "100B<n<1T"), (10**12, "n>1T")],
)
def test_sizes_have_the_names_of_the_hub(rows, category):
    assert size_category(rows) == category


def test_the_choice_of_rows_is_told(card):
    text = section(card, "How the rows were chosen")
    for line in ("dataset: imagenet", "vision: dino", "text: roberta", "kind: images", "shots: 128"):
        assert f"- {line}\n" in text
    assert "- provenance: seed 3" in text
    for line in ("order: rarest", "quota: 6,000", "k: 9,000", "min score: none", "over collect: 1.5", "backfill: yes"):
        assert f"- {line}\n" in text


def test_sources_stand_with_version_licence_and_address(card):
    rows = section(card, "Sources").splitlines()
    assert rows[2:] == [
        r"| laion | 2021 | CC-BY-4\.0 | https\://x\.org/\{part\} |",
        "| sbu | 2011 | not recorded | <https://y.org/sbu.tar.gz> |",
    ]


def test_the_funnel_says_what_was_dropped_and_which_share(card):
    text = section(card, "Filters and what they dropped")
    assert "| filter | laion | too short | 25 | 12.5 |" in text
    assert "| filter | laion | kept | 175 | 87.5 |" in text
    assert "- languages: en, de\n" in text
    assert "- semantic: none\n" in text
    assert "- datasets: none\n" in text


def test_the_counts_show_the_balance_and_the_poorest_concepts(card):
    text = section(card, "Counts")
    counts = [row["rows"] for row in FACT_VALUES["concepts"]]
    assert f"- most: {max(counts)}\n" in text
    assert f"- median: {sorted(counts)[9]}\n" in text
    assert "- concepts without a row: 1\n" in text
    assert "| thing 9 | 63 |" in text
    assert "| thing 10 |" not in text
    assert "| laion | 12,000 |" in text


def test_link_rot_is_shown_by_reason_success_first(card):
    rows = section(card, "Link rot").splitlines()[-3:]
    assert rows == [
        "| collected | success | 60 | 60 |",
        "| collected | status 404 | 30 | 30 |",
        "| collected | timeout | 10 | 10 |",
    ]


def test_the_limits_are_named(card):
    assert "evaluation data sets" in section(card, "Known biases and limits")
    rights = section(card, "Rights, opt-out and personal information")
    assert "X-Robots-Tag" in rights
    assert "Only addresses and captions are distributed" in rights


def test_how_to_reproduce_and_to_cite_name_versions(card):
    text = section(card, "How to reproduce")
    assert r"version 0\.1\.0 of ligature" in text
    assert r"laion\@2021, sbu\@2011" in text
    assert "version = {3}" in section(card, "Citation")


def test_without_facts_every_section_says_not_recorded(tmp_path):
    card = written(tmp_path)
    for title in (
        "How the rows were chosen",
        "Sources",
        "Filters and what they dropped",
        "Counts",
        "Columns",
        "Link rot",
        "How to reproduce",
        "Citation",
    ):
        assert "not recorded" in section(card, title).lower()
    assert "size_categories" not in front_matter(card)
    words = re.sub(r"first 8 bytes|SHA-256|\d\. ", "", card.split("---\n", 2)[2])
    assert re.findall(r"\d+", words) == []


@pytest.mark.parametrize("fact", FACTS)
def test_any_one_fact_may_be_missing(tmp_path, fact):
    values = {name: value for name, value in FACT_VALUES.items() if name != fact}
    assert "not recorded" in written(tmp_path, **values).lower()


def test_an_unknown_fact_is_refused(tmp_path):
    with pytest.raises(DataError, match="unknown facts selcted_rows; known are study"):
        write_dataset_card(tmp_path, {"selcted_rows": 3})


def test_the_same_facts_give_the_same_bytes(tmp_path, card):
    assert written(tmp_path, **FACT_VALUES) == card


def test_columns_come_from_the_file_with_their_meaning(tmp_path):
    rows = pd.DataFrame({"uid": np.array([1], np.uint64), "url": ["u"], "score": np.array([1], np.float32), "x|y": [1]})
    rows.to_parquet(tmp_path / "selected.parquet")
    lines = section(written(tmp_path), "Columns").splitlines()[2:]
    assert lines[0].startswith("| uid | uint64 | identity of the row")
    assert lines[1].startswith("| url | ")
    assert lines[2].startswith("| score | float | cosine similarity")
    assert lines[3] == r"| x\|y | int64 | not described |"


def test_a_broken_parquet_file_is_named(tmp_path):
    (tmp_path / "selected.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"selected\.parquet: is not a parquet file"):
        write_dataset_card(tmp_path, {})


def test_hostile_names_stay_text_everywhere(tmp_path):
    card = written(
        tmp_path,
        study=HOSTILE,
        version=HOSTILE,
        code_version=HOSTILE,
        concepts=[{"name": HOSTILE, "rows": 1}],
        prototypes={"dataset": HOSTILE, HOSTILE: HOSTILE},
        curate={"order": HOSTILE, "filters": {"languages": [HOSTILE]}},
        sources=[{"name": HOSTILE, "version": HOSTILE, "licence": HOSTILE, "address": f"https://{HOSTILE}"}],
        funnel=[{"step": HOSTILE, "source": HOSTILE, "reason": HOSTILE, "rows": 1, "rows_in": 1}],
        download={HOSTILE: {HOSTILE: 1}},
    )
    body = card.split("---\n", 2)[2].split("\n## Citation\n")[0]
    assert "<script" not in body
    assert "](" not in body
    assert "www.evil" not in body
    assert "http://evil" not in body
    assert "\n# f" not in body
    assert all(line.count(" | ") == 3 for line in section(card, "Sources").splitlines())
    assert "<script" in front_matter(card)["pretty_name"]
    citation = section(card, "Citation")
    assert citation.count("```") == 2
    assert citation.count("{") == citation.count("}") == 3


@given(st.text(max_size=80))
@settings(max_examples=25, deadline=None)
def test_escaped_text_has_no_special_character_left_bare(text):
    line = escaped(text)
    assert "\n" not in line
    assert re.search(r"(?<!\\)(?:\\\\)*[`*_\[\](){}|<>$@]", line) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        ("", "not recorded"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (np.int64(1234), "1,234"),
        (0.25, "0.25"),
        (float("nan"), "–"),
        ([1, "a_b"], r"1, a\_b"),
        ([], "none"),
        ({"a": 1, "b": "c"}, "a 1, b c"),
        ("https://x.org/a?b=c", "<https://x.org/a?b=c>"),
        ("https://x.org/>", r"https\://x\.org/&gt;"),
        ("javascript:alert", r"javascript\:alert"),
    ],
)
def test_values_are_shown_for_readers(value, text):
    assert shown(value) == text


def test_lists_and_tables_are_plain_markdown():
    assert items([("a b", 1), ("c", "d")]) == "- a b: 1\n- c: d\n"
    assert table(["a", "b"], [["x|y", 2]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 2 |\n"
