"""What the part of the page on matching is read from: all of it optional, and checked."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from matching_inputs import EXPERIMENTS, read_folder, write_matching

from ligature.errors import DataError
from ligature.reporting.matching.rows import share_rows
from ligature.reporting.matching.sections import matching_sections
from ligature.reporting.matching.sources import MatchingSources, read_matching


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matching")
    write_matching(folder, {"settings": EXPERIMENTS["settings"], "languages": EXPERIMENTS["languages"]})
    return folder


def test_everything_is_read_with_its_types(written: Path) -> None:
    inputs = read_folder(written)
    assert set(inputs.results["post"]) == {""}
    assert set(inputs.results["variant"]) == {"", "de", "ja"}
    assert inputs.results["base_size"].dtype == inputs.seedwise["query_seed"].dtype == float
    assert len(inputs.samples) == 2
    parts = inputs.by_experiment()
    assert list(parts) == ["settings", "languages"]
    assert set(parts["languages"].seedwise["experiment"]) == {"languages"}
    assert sum(len(part.results) for part in parts.values()) == len(inputs.results)


@pytest.mark.parametrize("sources", [MatchingSources(), MatchingSources.in_folder("nowhere")])
def test_a_study_without_matching_has_no_section(sources: MatchingSources) -> None:
    inputs = read_matching(sources)
    assert inputs.results.empty
    assert inputs.samples == []
    assert inputs.by_experiment() == {}
    assert matching_sections(inputs) == []


def test_chance_needs_no_anchors_and_an_interval_may_be_missing(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/matching/results.csv"
    table = pd.read_csv(path)
    table.loc[table["model"] == "chance", ["base_size", "queries", "vision"]] = None
    table[["low", "high"]] = None
    table.to_csv(path, index=False)
    rows = share_rows(read_folder(tmp_path / "copy").results)
    assert rows["low"].isna().all()
    assert set(rows.loc[rows["metric"] == "top5", "chance"]) == {0.01}


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("results.csv", {"value": None}, "column 'value', row 1: is empty"),
        ("results.csv", {"value": "inf"}, "column 'value', row 1: not a finite number"),
        ("results.csv", {"base_size": None}, "column 'base_size', row 1: is empty"),
        ("seedwise.csv", {"base_seed": None}, "column 'base_seed', row 1: is empty"),
        ("seedwise.csv", {"query_seed": "first"}, "column 'query_seed', row 1: not a finite number"),
        ("cka.csv", {"value": "many"}, "column 'value', row 1"),
    ],
)
def test_a_broken_number_is_one_line(written: Path, tmp_path: Path, name: str, change: dict, expected: str) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/matching" / name
    table = pd.read_csv(path).astype(dict.fromkeys(change, object))
    for column, value in change.items():
        table.loc[0, column] = value
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match=re.escape(expected)) as caught:
        read_folder(tmp_path / "copy")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("results.csv", "task,dataset\nmatching,coco\n", "column 'split' is missing"),
        ("cka.csv", "dataset,vision\ncoco,a\n", "column 'text' is missing"),
        ("samples.json", '[{"experiment": "a"}]', "expected a list of objects with base_size"),
        ("samples.json", "{", "damaged"),
    ],
)
def test_a_broken_file_is_one_line(written: Path, tmp_path: Path, name: str, content: str, expected: str) -> None:
    shutil.copytree(written, tmp_path / "copy")
    (tmp_path / "copy/matching" / name).write_text(content)
    with pytest.raises(DataError, match=re.escape(expected)):
        read_folder(tmp_path / "copy")


def test_a_pair_of_the_samples_has_all_of_its_parts(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/matching/samples.json"
    samples = json.loads(path.read_text())
    del samples[0]["pairs"][0]["truth"]
    path.write_text(json.dumps(samples))
    with pytest.raises(DataError, match="expected a list of objects with caption, correct, image, truth"):
        read_folder(tmp_path / "copy")
