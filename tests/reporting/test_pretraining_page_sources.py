"""What the part of the page on pre-training is read from: all of it optional, and checked."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from pretraining_inputs import four_rows, read_folder, run_row, write_pretraining

from ligature.errors import DataError
from ligature.reporting.pretraining.sections import pretraining_sections
from ligature.reporting.pretraining.sources import PretrainingSources, read_pretraining
from ligature.reporting.pretraining.summary import pretraining_summary


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretraining")
    rows = [*four_rows(), run_row("free", logit_scale="learned"), run_row("parts", sharing="blocks-norm-projection")]
    write_pretraining(folder, rows, seeds=(0,))
    return folder


def test_everything_is_read_with_its_types_and_settings_in_one_form(written: Path) -> None:
    inputs = read_folder(written)
    runs = inputs.runs.set_index("run")
    assert runs.loc["clip", ["rescaling", "objective", "beta"]].to_list() == ["", "", ""]
    assert runs.loc["align", ["rescaling", "objective", "beta", "alpha"]].to_list() == [
        "cosine",
        "published",
        "0.5",
        "1",
    ]
    assert runs.loc["clip", "logit_scale"] == "100"
    assert runs.loc["free", "logit_scale"] == "learned"
    assert runs.loc["parts", "sharing"] == "all"
    assert inputs.trajectories["value"].dtype == inputs.similarities["low"].dtype == inputs.features["x"].dtype == float
    assert set(inputs.features["pair"].map(type)) == {str}


def test_logit_scales_that_are_all_numbers_are_text_too(tmp_path: Path) -> None:
    write_pretraining(tmp_path, [run_row("a"), run_row("b", logit_scale="20.5")], seeds=(0,))
    assert set(read_folder(tmp_path).runs["logit_scale"]) == {"100", "20.5"}


@pytest.mark.parametrize("sources", [PretrainingSources(), PretrainingSources.in_folder("nowhere")])
def test_a_study_without_pretraining_shows_nothing_of_it(sources: PretrainingSources) -> None:
    inputs = read_pretraining(sources)
    assert inputs.runs.empty
    assert pretraining_sections(inputs) == []
    assert pretraining_summary(inputs) == ""


def test_a_beta_that_is_not_given_is_the_published_one(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/pretraining/runs.csv"
    pd.read_csv(path).assign(beta=None).to_csv(path, index=False)
    runs = read_folder(tmp_path / "copy").runs.set_index("run")
    assert runs["beta"].to_dict() | {"align": "0.5", "apart": "0.5", "clip": ""} == runs["beta"].to_dict()


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("results.csv", {"value": None}, "column 'value', row 1: not a finite number"),
        ("results.csv", {"model": "stranger"}, "run 'stranger' is not in"),
        ("trajectories.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("trajectories.csv", {"epoch": "first"}, "column 'epoch', row 1: not a finite number"),
        ("similarities.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("similarities.csv", {"count": "inf"}, "column 'count', row 1: not a finite number"),
        ("features_2d.csv", {"x": "left"}, "column 'x', row 1: not a finite number"),
        ("features_2d.csv", {"run": "stranger"}, "run 'stranger' is not in"),
        ("runs.csv", {"logit_scale": "hot"}, "row 1: 'hot' is neither a number nor one of clamped, learned"),
        ("runs.csv", {"run": "shared"}, "run 'shared' stands twice"),
    ],
)
def test_a_broken_cell_is_one_line(written: Path, tmp_path: Path, name: str, change: dict, expected: str) -> None:
    shutil.copytree(written, tmp_path / "copy")
    path = tmp_path / "copy/pretraining" / name
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
        ("results.csv", "task,dataset\ngap,coco\n", "column 'split' is missing"),
        ("runs.csv", "run,sharing\nclip,none\n", "column 'separation' is missing"),
        ("similarities.csv", "run,kind\nclip,paired\n", "column 'seed' is missing"),
    ],
)
def test_a_missing_column_is_one_line(written: Path, tmp_path: Path, name: str, content: str, expected: str) -> None:
    shutil.copytree(written, tmp_path / "copy")
    (tmp_path / "copy/pretraining" / name).write_text(content)
    with pytest.raises(DataError, match=re.escape(expected)):
        read_folder(tmp_path / "copy")
