"""What the curation part is made from: optional, checked, read as it was written."""

import json
from pathlib import Path

import pandas as pd
import pytest
from curation_inputs import N_CONCEPTS, concepts_table, write_curation
from reporting_inputs import HOSTILE

from ligature.errors import DataError
from ligature.reporting.curation_sources import CurationSources, read_curation
from ligature.reporting.readers import checked_objects, read_objects, read_record, read_table, read_typed_table


def test_a_study_without_curation_has_empty_inputs(tmp_path: Path) -> None:
    for sources in (CurationSources(), CurationSources.in_folder(tmp_path)):
        assert all(len(part) == 0 for part in vars(read_curation(sources)).values())


def test_concepts_come_in_the_order_of_rarity_with_their_names_as_they_are(tmp_path: Path) -> None:
    write_curation(tmp_path)
    concepts = read_curation(CurationSources.in_folder(tmp_path)).concepts
    assert list(concepts["rarity_rank"]) == list(range(N_CONCEPTS))
    assert list(concepts["name"][:3]) == [HOSTILE, "null", "concept 2"]
    written = concepts_table().sort_values("rarity_rank", ignore_index=True)
    pd.testing.assert_series_equal(concepts["kept"], written["kept"].astype(float))


def test_columns_of_later_stages_may_be_absent_and_cells_empty(tmp_path: Path) -> None:
    write_curation(tmp_path)
    table = concepts_table().drop(columns=["downloaded", "final"])
    table.assign(kth_score=None).to_csv(tmp_path / "mixes/concepts.csv", index=False)
    concepts = read_curation(CurationSources.in_folder(tmp_path)).concepts
    assert concepts[["downloaded", "final", "kth_score"]].isna().all(axis=None)
    assert concepts["kept"].notna().all()


def test_a_host_without_a_name_stays_a_row(tmp_path: Path) -> None:
    write_curation(tmp_path)
    downloads = read_curation(CurationSources.in_folder(tmp_path)).downloads
    assert (downloads["host"] == "").sum() == 3 * 4


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("mixes/concepts.csv", "concept,name\n0,a\n", "column 'rarity_rank' is missing"),
        ("mixes/funnel.csv", "", "damaged"),
        ("mixes/funnel.csv", "step,source,reason,rows,rows_in\na,b,c,1,2\na,b,c,many,2\n", "column 'rows', row 2: not"),
        ("mixes/download.csv", "set,source,host,status,rows\na,b,c,success,inf\n", "not a finite number"),
        ("mixes/mixes.csv", "mix,set,rows\n", "column 'weight' is missing"),
        ("ablation/results.csv", "task,dataset\n", "column 'split' is missing"),
        ("curation/prototypes.json", "[]", "expected an object with names"),
        ("curation/prototypes.json", "{", "damaged"),
        ("mixes/sheet.json", '{"rows": []}', "expected a list of objects with concept, kind, name, rarity_rank, rows"),
        ("mixes/sheet.json", '[{"concept": 0, "name": "", "kind": "", "rarity_rank": 0, "rows": [1]}]', "with caption"),
        ("mixes/funnel_samples.json", '[{"step": "", "source": "", "reason": "", "samples": null}]', "with caption"),
    ],
)
def test_broken_file_is_one_line_that_names_it(tmp_path: Path, name: str, content: str, expected: str) -> None:
    write_curation(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as caught:
        read_curation(CurationSources.in_folder(tmp_path))
    message = str(caught.value)
    assert expected in message
    assert name in message
    assert "\n" not in message


def test_optional_readers_return_nothing_for_an_absent_file(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert list(read_table(absent, ["a", "b"]).columns) == ["a", "b"]
    assert list(read_typed_table(None, ["a"], ["b"], ["c"]).columns) == ["a", "b", "c"]
    assert read_record(absent, ["a"]) == {}
    assert read_objects(None, ["a"]) == []


def test_required_readers_name_the_stage(tmp_path: Path) -> None:
    for read in (read_table, read_record):
        with pytest.raises(DataError, match="missing; run the pairs stage"):
            read(tmp_path / "absent", ["a"], stage="pairs")


def test_null_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "null.json"
    path.write_text("null")
    with pytest.raises(DataError, match="expected an object"):
        read_record(path, ["a"])
    with pytest.raises(DataError, match="expected a list"):
        read_objects(path, ["a"])


def test_checked_objects_are_returned_as_they_are() -> None:
    objects = json.loads('[{"a": 1, "b": 2}, {"a": 3}]')
    assert checked_objects(None, objects, ["a"]) is objects
    with pytest.raises(DataError, match="with a, b"):
        checked_objects(None, objects, ["b", "a"])
