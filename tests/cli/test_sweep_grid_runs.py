"""`ligature vary` and `sweep` on a grid: a point is trained with its own settings, and what has finished is shown."""

import json

import pytest

from ligature.cli import sweep
from ligature.cli.series import read_results
from ligature.errors import DataError, ParamsError
from ligature.params import parse_study
from ligature.store import Layout

POINT = "learning_rate~0.01/projector.dropout~0.0"


@pytest.fixture
def grid_study(finished, tmp_path):
    """Returns the layout of a study with a grid of two points, and the options that name it."""
    layout, _ = finished
    values = layout.study.model_dump(mode="json")
    values["sweep"] = {
        **{"vision": "pixels", "text": "bag-of-words", "datasets": ["captions-val"], "retrieval": ["captions-val"]},
        **{"seeds": [0], "steps": 2, "batch_size": 30, "embed_dim": 8},
        "grid": {"learning_rate": [0.01, 0.02], "projector.dropout": [0.0]},
    }
    file = tmp_path / "params.yaml"
    file.write_text(json.dumps(values), encoding="utf-8")
    return Layout(parse_study(values, "test"), layout.results), {"params": file, "results": layout.results}


def test_a_point_is_trained_with_its_settings_and_shown_before_the_others_have_finished(grid_study, capsys):
    layout, where = grid_study
    with pytest.raises(DataError, match="no run of the sweep has finished; run `snakemake stage_sweep` first"):
        sweep.sweep(**where, finished=True)
    sweep.vary(POINT, **where)
    card = json.loads((layout.sweep / POINT / "seed-0/projector.json").read_text())
    assert card["provenance"]["run"] == POINT
    assert card["provenance"]["train"]["learning_rate"] == card["facts"]["settings"]["learning_rate"] == 0.01
    assert card["config"]["dropout"] == 0.0
    assert "seed" not in card["provenance"]["train"]
    with pytest.raises(DataError, match=r"0.02/projector.dropout~0.0` first"):
        sweep.sweep(**where)
    sweep.sweep(**where, finished=True)
    assert set(read_results(layout.sweep / "results.csv")["model"]) == {POINT, "chance"}
    said = capsys.readouterr()
    assert "1 of 2 runs have finished; not yet: learning_rate~0.02/projector.dropout~0.0" in said.out + said.err


def test_a_point_that_is_not_on_the_grid_is_refused(grid_study):
    _, where = grid_study
    with pytest.raises(ParamsError, match=r"unknown run '../../train'; known: learning_rate~0.01"):
        sweep.vary("../../train", **where)


def test_a_run_that_measures_variants_has_rows_of_every_language_and_length(grid_study, tmp_path):
    layout, where = grid_study
    values = json.loads(where["params"].read_text(encoding="utf-8"))
    values["sweep"] |= {"grid": {}, "retrieval": ["captions-test"]}
    values["sweep"]["runs"] = {"main": {}, "all": {"variants": True, "vision": "pixels", "text": "bag-of-words"}}
    where["params"].write_text(json.dumps(values), encoding="utf-8")
    found = {}
    for run in ("main", "all"):
        sweep.vary(run, **where)
        rows = read_results(layout.sweep / run / "results.csv")
        found[run] = {(task, variant) for task, variant in zip(rows["task"], rows["variant"], strict=True)}
    assert found["main"] == {("retrieval", "")}
    languages = {("multilingual retrieval", language) for language in ("en", "de", "ja")}
    lengths = {("long text retrieval", words) for words in ("8", "32", "all")}
    assert found["all"] == {("retrieval", "")} | languages | lengths
