"""What experiments of matching leave behind: finished cells, joint tables, samples and the CKA of shuffled pairs."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_reference import PAIR, SMALL, plain_features
from matching_stores import image_table, invent_study, write_store

from ligature.cli.matching import experiment as running
from ligature.cli.matching import verbs
from ligature.cli.matching.samples import shown_method
from ligature.cli.matching.shuffles import shuffled_rows
from ligature.cli.matching.tables import AVERAGED_COLUMNS, SEEDWISE_COLUMNS
from ligature.errors import DataError, ParamsError
from ligature.similarity import linear_cka, rbf_cka

GRID = PAIR | SMALL | {"methods": ["relative"], "base_sizes": [10, 20], "stretches": ["none", "base"], "csls": 3}
TABLES = ("seedwise.csv", "results.csv", "samples.json")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return invent_study(tmp_path_factory.mktemp("matching"))


@pytest.fixture
def own_study(tmp_path):
    """A study of a single test."""
    return invent_study(tmp_path)


def counted(monkeypatch, fail_at: int | None = None) -> list[int]:
    """Counts the cells that are measured; the run is killed at one of them."""
    cells, measure = [], running.measure_cell

    def counting(*given):
        if len(cells) == fail_at:
            raise KeyboardInterrupt
        cells.append(1)
        return measure(*given)

    monkeypatch.setattr(running, "measure_cell", counting)
    return cells


def killed(study, monkeypatch, at: int, **experiment) -> None:
    with monkeypatch.context() as patch:
        counted(patch, fail_at=at)
        with pytest.raises(KeyboardInterrupt):
            study.run("killed", **experiment)


def folder_of(study):
    return study.folder / "results" / "tiny" / "matching" / "killed"


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(own_study, monkeypatch):
    study = own_study
    study.run("killed", **GRID)
    whole = {name: (folder_of(study) / name).read_bytes() for name in TABLES}
    shutil.rmtree(folder_of(study))
    killed(study, monkeypatch, 7, **GRID)
    assert len(list((folder_of(study) / "cells").iterdir())) == 3
    assert not (folder_of(study) / "seedwise.csv").exists()
    cells = counted(monkeypatch)
    study.run("killed", **GRID)
    assert len(cells) == 16 - 6
    assert {name: (folder_of(study) / name).read_bytes() for name in TABLES} == whole
    assert sorted(path.name for path in folder_of(study).iterdir()) == sorted(TABLES)


def test_a_run_killed_between_its_tables_measures_nothing_again(own_study, monkeypatch):
    study = own_study
    with monkeypatch.context() as patch:
        patch.setattr(running, "sample_matches", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            study.run("killed", **GRID)
    cells = counted(monkeypatch)
    study.run("killed", **GRID)
    assert cells == []


@pytest.mark.parametrize(
    ("changes", "again"),
    [({"base_draws": 3}, 24 - 6), ({"methods": ["relative", "asif"]}, 16), ({"csls": 4}, 16), ({"seed": 1}, 16)],
)
def test_finished_cells_count_while_what_they_depend_on_is_the_same(own_study, monkeypatch, changes, again):
    killed(own_study, monkeypatch, 7, **GRID)
    cells = counted(monkeypatch)
    rows, _ = own_study.run("killed", **(GRID | changes))
    assert len(cells) == again
    assert not rows.duplicated([column for column in rows.columns if column != "value"]).any()
    assert not (folder_of(own_study) / "cells").exists()


def test_cells_of_other_embeddings_do_not_count(own_study, monkeypatch):
    killed(own_study, monkeypatch, 7, **GRID)
    layout = own_study.layout()
    shutil.rmtree(layout.embeddings("pooled", "pixels", "queries", 0))
    vectors = own_study.features["pixels", "queries"] + 1
    write_store(layout, "pixels", "queries", image_table("queries"), vectors)
    cells = counted(monkeypatch)
    own_study.run("killed", **GRID)
    assert len(cells) == 16


@pytest.fixture(scope="module")
def joined(study):
    """The outputs of `matching` for two experiments, as tables, and the study file's values."""
    first = GRID | {"vision": ["pixels", "vit-untrained"], "directions": ["t2i"], "methods": ["relative", "cca"]}
    second = GRID | {"query": "classes", "text": ["bert-untrained"], "base_sizes": [20]}
    values = study.values(captioned=first, labelled=second)
    values["matching"]["shuffles"] = ["anchors", "queries"]
    where = study.where(values)
    for name in ("captioned", "labelled"):
        verbs.match_experiment(name, **where)
    verbs.matching(**where)
    return study.folder / "results" / "tiny" / "matching", values


def table(path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, float_precision="round_trip")


def test_the_tables_of_all_experiments_stand_one_after_the_other(joined):
    folder, _ = joined
    for name, columns in (("seedwise.csv", SEEDWISE_COLUMNS), ("results.csv", AVERAGED_COLUMNS)):
        lines = (folder / name).read_text().splitlines()
        parts = [(folder / part / name).read_text().splitlines() for part in ("captioned", "labelled")]
        assert lines == [*parts[0], *parts[1][1:]]
        assert lines[0].split(",") == columns


def test_samples_show_what_queries_were_matched_to_and_whether_it_is_right(joined):
    folder, _ = joined
    entries = json.loads((folder / "samples.json").read_text())
    assert len(entries) == 1, "class texts are no captions"
    pairs = entries[0].pop("pairs")
    assert entries[0] == {
        **{"experiment": "captioned", "dataset": "queries", "vision": "pixels", "text": "bag-of-words"},
        **{"method": "relative", "base_size": 10, "direction": "t2i"},
    }
    assert len(pairs) == 3
    for pair in pairs:
        number = pair["image"].removeprefix("images/").removesuffix(".jpg")
        assert pair["truth"] == f"caption 0 of {number}"
        assert pair["correct"] == (pair["caption"] == pair["truth"])
    assert len({pair["caption"] for pair in pairs}) == 3


def test_samples_are_those_of_the_measured_cell(study):
    one = SMALL | {"base_draws": 1, "query_draws": 1, "methods": ["local-cka-rbf"]}
    values = study.values(shown=PAIR | one)
    values["matching"]["samples"] = 1000
    verbs.match_experiment("shown", **study.where(values))
    folder = study.folder / "results" / "tiny" / "matching" / "shown"
    pairs = json.loads((folder / "samples.json").read_text())[0]["pairs"]
    rows = table(folder / "seedwise.csv")
    measured = rows[(rows["metric"] == "matching_accuracy") & (rows["model"] == "local-cka-rbf")]["value"].item()
    assert len(pairs) == 25
    assert np.mean([pair["correct"] for pair in pairs]) == pytest.approx(measured)


@pytest.mark.parametrize(
    ("methods", "shown"),
    [
        (["qap", "ridge", "local-cka-rbf"], "local-cka-rbf"),
        (["qap", "ridge", "cca"], "ridge"),
        (["qap-faq", "qap"], "qap-faq"),
    ],
)
def test_local_cka_is_shown_or_the_first_method_with_scores(methods, shown):
    assert shown_method(methods) == shown


def test_cka_of_true_pairs_is_that_of_the_stored_features(joined, study):
    cka = table(joined[0] / "cka.csv")
    assert list(cka.columns) == ["dataset", "vision", "text", "order", "metric", "value", "n", "draws"]
    images, texts = plain_features(study, "anchors")
    found = cka[
        (cka["dataset"] == "anchors") & (cka["vision"] == "pixels") & (cka["text"] == "bag-of-words")
    ].set_index(["order", "metric"])["value"]
    assert found["true", "cka_biased"] == pytest.approx(linear_cka(images, texts), rel=1e-5)
    assert found["true", "cka_debiased"] == pytest.approx(linear_cka(images, texts, debiased=True), rel=1e-5)
    assert found["true", "cka_rbf"] == pytest.approx(rbf_cka(images, texts, seed=0), rel=1e-5)
    for metric in ("cka_biased", "cka_debiased", "cka_rbf"):
        assert found["true", metric] > found["half-shuffled", metric] > found["shuffled", metric]


def test_shuffles_are_measured_for_the_encoders_of_the_experiments_that_use_the_set(joined):
    cka = table(joined[0] / "cka.csv")
    encoders = cka.groupby("dataset")[["vision", "text"]].agg(lambda names: sorted(set(names))).T.to_dict()
    vision, text = ["pixels", "vit-untrained"], ["bag-of-words", "bert-untrained"]
    assert encoders == {
        "anchors": {"vision": vision, "text": text},
        "queries": {"vision": vision, "text": ["bag-of-words"]},
    }
    assert not cka.duplicated(["dataset", "vision", "text", "order", "metric"]).any()
    assert cka.groupby("order")["draws"].unique().map(list).to_dict() == {
        "true": [1],
        "half-shuffled": [3],
        "shuffled": [3],
    }
    assert cka.groupby("dataset")["n"].unique().map(list).to_dict() == {"anchors": [59], "queries": [40]}


def test_shuffles_of_a_set_that_no_experiment_uses_are_refused(joined, study):
    _, values = joined
    values = values | {"matching": values["matching"] | {"shuffles": ["captions-val"]}}
    with pytest.raises(ParamsError, match=r"matching.shuffles: no experiment has 'captions-val' as base or query"):
        verbs.matching(**study.where(values))


def test_an_experiment_that_has_not_run_is_named(study):
    where = study.where(study.values(absent=GRID))
    with pytest.raises(DataError, match=r"seedwise.csv: missing; run `ligature match-experiment absent` first"):
        verbs.matching(**where)


@given(count=st.integers(2, 60), share=st.floats(0, 1), seed=st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_a_shuffle_moves_as_many_rows_as_it_should_and_loses_none(count, share, seed):
    moved = int(share * count)
    rows = shuffled_rows(count, moved, seed)
    assert sorted(rows) == list(range(count))
    assert (rows != np.arange(count)).sum() == (moved if moved > 1 else 0)
