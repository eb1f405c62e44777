"""What the page reads of captioning: types, variants in columns, and one line for everything that is broken."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from captioning_inputs import HOSTILE_CAPTION, read_folder, run_rows, write_captioning

from ligature.errors import DataError
from ligature.reporting.captioning.sections import captioning_headlines, captioning_sections
from ligature.reporting.captioning.sources import CaptioningSources, read_captioning, with_variant_columns
from ligature.reporting.captioning.summary import captioning_summary


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captioning-sources")
    write_captioning(folder, [*run_rows("align"), *run_rows("mlp", "mlp")], seeds=(0,))
    return folder


def test_everything_is_read_with_its_types(written: Path) -> None:
    inputs = read_folder(written)
    align = inputs.runs.iloc[0]
    assert align[["run", "pairs", "label", "head_init", "pruned", "factor"]].to_list() == [
        *("align", "500", "ALIGN", "True", "", "1")
    ]
    assert inputs.runs["pairs"].to_list() == ["500", "2000", "all"] * 2
    assert set(inputs.results["pairs"]) == {"500", "2000", "all"}
    noisy = inputs.results["task"] == "captioning noise"
    assert set(inputs.results.loc[noisy, "noise"]) == {0.0, 0.3, 1.0, 3.0}
    assert inputs.results.loc[~noisy, "noise"].isna().all()
    assert set(inputs.results["shots"]) == {0.0, 2.0}
    assert inputs.captions.loc[0, "references"] == ["two things on a table", HOSTILE_CAPTION]
    assert inputs.words[["row", "rows"]].dtypes.to_list() == [int, int]
    assert inputs.speed["peak_mib"].dtype == float


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("pairs=1000", ("1000", 0, None)),
        ("pairs=all;shots=2", ("all", 2, None)),
        ("pairs=all;noise=0.3", ("all", 0, 0.3)),
        ("", ("", 0, None)),
    ],
)
def test_a_variant_is_read_into_columns(variant: str, expected: tuple) -> None:
    row = with_variant_columns(pd.DataFrame({"model": ["a"], "variant": [variant]})).iloc[0]
    assert (row["pairs"], row["shots"]) == expected[:2]
    assert np.isnan(row["noise"]) if expected[2] is None else row["noise"] == expected[2]


@pytest.mark.parametrize("sources", [CaptioningSources(), CaptioningSources.in_folder("nowhere")])
def test_a_study_without_captioning_shows_nothing_of_it(sources: CaptioningSources) -> None:
    inputs = read_captioning(sources)
    assert inputs.runs.empty
    assert captioning_sections(inputs) == []
    assert captioning_headlines(inputs) == [("Captioning", [])]
    assert captioning_summary(inputs) == ""


def test_further_settings_are_read_where_they_are(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/captioning/runs.csv"
    pd.read_csv(path).assign(bias=True, hidden=64).to_csv(path, index=False)
    runs = read_folder(tmp_path / "copy").runs.drop_duplicates("run").set_index("run")
    assert runs.loc["align", ["bias", "hidden", "queries"]].to_list() == ["True", "", ""]
    assert runs.loc["mlp", ["bias", "hidden"]].to_list() == ["", "64"]


def test_the_summary_has_a_row_a_run_and_number_of_pairs(written: Path) -> None:
    lines = captioning_summary(read_folder(written)).splitlines()
    assert lines[0].split("  ")[0] == "captioning"
    assert len(lines) == 1 + 6
    assert "CIDEr-D × 100" in lines[0]
    assert lines[3].split()[:3] == ["ALIGN", "all", "pairs"]
    assert float(lines[3].split()[3]) == pytest.approx(80, abs=2)


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("results.csv", {"value": None}, "column 'value', row 1: not a finite number"),
        ("results.csv", {"model": "stranger"}, "run 'stranger' is not in"),
        ("results.csv", {"model": "shuffled"}, "run '' is not in"),
        ("results.csv", {"model": "blind", "protocol": "captions of stranger, one"}, "run 'stranger' is not in"),
        ("results.csv", {"variant": "pairs=few"}, "variant 'pairs=few' names no pairs, shots and noise"),
        ("results.csv", {"variant": "pairs=all;noise=loud"}, "names no pairs, shots and noise"),
        ("runs.csv", {"pairs": "few"}, "column 'pairs', row 1: 'few' is neither a number nor 'all'"),
        ("runs.csv", {"pairs": "2000"}, "run 'align' stands twice with the same pairs"),
        ("runs.csv", {"factor": 4}, "run 'align' has different settings in two rows"),
        ("runs.csv", {"parameters": "many"}, "column 'parameters', row 1: not a finite number"),
        ("trajectories.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("trajectories.csv", {"step": "first"}, "column 'step', row 1: not a finite number"),
        ("captions.csv", {"references": "[1]"}, "column 'references', row 1: no JSON list of texts"),
        ("captions.csv", {"references": "[" * 100_000}, "column 'references', row 1: no JSON list of texts"),
        ("captions.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("words.csv", {"row": 7}, "row 1: the patch does not lie in its grid"),
        ("words.csv", {"column": -1}, "row 1: the patch does not lie in its grid"),
        ("words.csv", {"rows": None}, "row 1: the patch does not lie in its grid"),
        ("words.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("speed.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("speed.csv", {"peak_mib": "inf"}, "column 'peak_mib', row 1: not a finite number"),
    ],
)
def test_a_broken_cell_is_one_line(written: Path, tmp_path: Path, name: str, change: dict, expected: str) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/captioning" / name
    table = pd.read_csv(path).astype(dict.fromkeys(change, object))
    for column, value in change.items():
        table.loc[0, column] = value
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match=re.escape(expected)) as caught:
        read_folder(tmp_path / "copy")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["results", "runs", "trajectories", "captions", "words", "speed"])
def test_a_missing_column_is_one_line(written: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(written, tmp_path / "copy")
    (tmp_path / f"copy/captioning/{name}.csv").write_text("one,two\n1,2\n")
    with pytest.raises(DataError, match=r"column '.*' is missing"):
        read_folder(tmp_path / "copy")
