"""`ligature captioning`: what every training and its measurement left, in the files that the page reads."""

import json
import shutil

import pandas as pd
import pytest
from captioning_study import make_layout, measured_study, study_values

from ligature.cli.captioning.collect import captioning, headline_metrics, setting, trajectory
from ligature.errors import DamagedError, DataError, ParamsError
from ligature.evaluation import RESULT_COLUMNS
from ligature.params.captioning import ConnectorParams
from ligature.store import Layout

TRAININGS = [("align", 8, 3), ("align", None, 3), ("mlp", 8, 3)]
FILES = ("results.csv", "runs.csv", "trajectories.csv", "captions.csv", "words.csv", "speed.csv", "metrics.json")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A study whose three trainings are measured, and nothing put together."""
    whole, _ = measured_study(tmp_path_factory.getbasetemp())
    block = study_values(whole.results.parent)["captioning"]
    runs = {name: block["runs"][name] for name in ("align", "mlp")}
    values = study_values(whole.results.parent, runs=runs, seeds=[3])
    layout, where = make_layout(tmp_path_factory.mktemp("measured"), values)
    for training in TRAININGS:
        shutil.copytree(whole.captioned(*training), layout.captioned(*training))
    return layout, where


@pytest.fixture
def study(measured, tmp_path):
    """Returns layout and options of a copy of the measured study."""
    layout, where = measured
    shutil.copytree(layout.results, tmp_path / "results")
    return Layout(layout.study, tmp_path / "results"), where | {"results": tmp_path / "results"}


def table(layout, name: str) -> pd.DataFrame:
    return pd.read_csv(layout.captioning / name, keep_default_na=False, dtype=str)


def test_every_training_stands_in_every_table(study):
    layout, where = study
    captioning(**where)
    every = {(run, str(pairs or "all"), str(seed)) for run, pairs, seed in TRAININGS}
    for name in ("trajectories.csv", "captions.csv", "words.csv", "speed.csv"):
        assert set(table(layout, name)[["run", "pairs", "seed"]].itertuples(index=False, name=None)) == every
    results = table(layout, "results.csv")
    assert tuple(results.columns) == RESULT_COLUMNS
    assert not results.duplicated(["task", "dataset", "model", "protocol", "metric", "seed", "variant"]).any()
    own = results[~results["model"].isin(["shuffled", "blind"])]
    assert set(zip(own["model"], own["variant"].str.split(";").str[0], strict=True)) == {
        (run, f"pairs={pairs or 'all'}") for run, pairs, _ in TRAININGS
    }


def test_the_columns_are_those_of_the_page(study):
    layout, where = study
    captioning(**where)
    key = ["run", "pairs", "seed"]
    assert list(table(layout, "runs.csv"))[:16] == [
        *("run", "recipe", "kind", "factor", "head_init", "vocabulary_norm", "pruned", "language", "vision"),
        *("assembly", "pairs", "parameters", "connector_parameters", "visual_tokens", "steps", "flops"),
    ]
    assert list(table(layout, "trajectories.csv")) == [*key, "stage", "epoch", "step", "metric", "value"]
    captions = [*key, "dataset", "image_id", "path", "caption", "references", "cider"]
    assert list(table(layout, "captions.csv")) == captions
    places = ["row", "column", "rows", "columns", "token", "weight"]
    assert list(table(layout, "words.csv")) == [*key, "dataset", "image_id", "path", *places]
    speeds = ["images_per_second", "tokens_per_second", "step_seconds", "peak_mib"]
    assert list(table(layout, "speed.csv")) == [*key, *speeds]


def test_the_page_reads_what_is_put_together(study):
    from ligature.reporting.captioning.controls import control_rows
    from ligature.reporting.captioning.sources import CaptioningSources, read_captioning

    layout, where = study
    captioning(**where)
    inputs = read_captioning(CaptioningSources.in_folder(layout.root))
    assert set(inputs.runs["run"]) == {"align", "mlp"}
    trainings = set(inputs.runs[["run", "pairs"]].itertuples(index=False, name=None))
    for control in ("shuffled", "blind"):
        rows = control_rows(inputs.results, control)
        assert set(rows[["model", "pairs"]].itertuples(index=False, name=None)) == trainings
    assert len(inputs.captions) == len(table(layout, "captions.csv"))
    assert inputs.captions["references"].iloc[0] == ["a red picture", "number 0 is very red"]


def test_settings_and_costs_of_every_run_are_told(study):
    layout, where = study
    captioning(**where)
    runs = table(layout, "runs.csv").set_index(["run", "pairs"])
    assert list(runs.index) == [("align", "8"), ("align", "all"), ("mlp", "8")]
    first = runs.loc[("align", "8")]
    assert first[["kind", "factor", "head_init", "pruned", "hidden", "visual_tokens"]].tolist() == [
        *("align", "2", "True", "", "", "4")
    ]
    assert runs.loc[("mlp", "8")][["kind", "head_init", "visual_tokens", "reduction"]].tolist() == ["mlp", "", "16", ""]
    assert int(runs.loc[("align", "all")]["steps"]) > int(first["steps"]) == 18
    assert int(first["parameters"]) > int(first["connector_parameters"]) > 0
    assert setting(ConnectorParams(kind="align"), "pruned") is None
    assert setting(ConnectorParams(kind="mlp"), "pruned") == ""


def test_a_trajectory_has_the_losses_of_every_stage_and_epoch():
    rows = [(1, 1, 1, 4.0, ""), (1, 2, 1, 2.0, "3.5"), (2, 1, 1, 1.0, ""), (2, 2, 1, 2.0, "2.5"), (2, 3, 2, 1.0, "")]
    columns = ["stage", "step", "epoch", "train_loss", "validation_loss"]
    found = trajectory(pd.DataFrame(rows, columns=columns).astype(str))
    assert list(found.columns) == ["stage", "epoch", "step", "metric", "value"]
    assert list(found.itertuples(index=False, name=None)) == [
        (1, 1, 2, "train_loss", 3.0),
        (1, 1, 2, "validation_loss", 3.5),
        (2, 1, 2, "train_loss", 1.5),
        (2, 1, 2, "validation_loss", 2.5),
        (2, 2, 3, "train_loss", 1.0),
    ]


def test_values_are_those_that_were_measured_to_the_last_digit(study):
    layout, where = study
    captioning(**where)
    for name in ("results.csv", "words.csv"):
        together = (layout.captioning / name).read_text()
        for run, pairs, seed in TRAININGS:
            prefix = "" if name == "results.csv" else f"{run},{pairs or 'all'},{seed},"
            lines = (layout.captioned(run, pairs, seed) / name).read_text().splitlines()[1:]
            assert all(f"{prefix}{line}\n" in together for line in lines)


def test_metrics_are_means_over_seeds_without_chance_noise_and_examples(study):
    layout, where = study
    captioning(**where)
    metrics = json.loads((layout.captioning / "metrics.json").read_text())
    assert set(metrics) == {
        f"{run}/pairs={pairs or 'all'}/{dataset}/{metric}"
        for run, pairs, _ in TRAININGS
        for dataset in ("told", "more")
        for metric in ("cider", "bleu4", "rouge_l")
    }
    rows = [("a", "cider", "1.0", "pairs=8", 0), ("a", "cider", "2.0", "pairs=8", 1)]
    rows += [("shuffled", "cider", "9", "pairs=8", 0), ("blind", "cider", "9", "pairs=8", 0)]
    rows += [("a", "cider", "9", "pairs=8;shots=2", 0)]
    results = pd.DataFrame(rows, columns=["model", "metric", "value", "variant", "seed"])
    results = results.assign(task="captioning", dataset="d")
    assert headline_metrics(results) == {"a/pairs=8/d/cider": 1.5}
    assert headline_metrics(results.assign(task="captioning noise")) == {}


def test_the_same_trainings_give_the_same_bytes(study):
    layout, where = study
    captioning(**where)
    before = [(layout.captioning / name).read_bytes() for name in FILES]
    captioning(**where)
    assert [(layout.captioning / name).read_bytes() for name in FILES] == before


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("training.json", "connect align --pairs all --seed 3"),
        ("history.csv", "connect align --pairs all --seed 3"),
        ("results.csv", "appraise align --pairs all --seed 3"),
        ("captions.jsonl", "appraise align --pairs all --seed 3"),
        ("words.csv", "appraise align --pairs all --seed 3"),
        ("speed.json", "appraise align --pairs all --seed 3"),
    ],
)
def test_what_is_missing_is_named_with_what_makes_it(study, name, verb):
    layout, where = study
    (layout.captioned("align", None, 3) / name).unlink()
    with pytest.raises(
        DataError, match=f"align/pairs-all/seed-3/{name}: missing; run `ligature {verb}` first"
    ) as raised:
        captioning(**where)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "old", "new"), [("training.json", '"steps": 18', '"steps": 19')])
def test_a_changed_card_is_noticed(study, name, old, new):
    layout, where = study
    card = layout.captioned("align", 8, 3) / name
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(DamagedError, match=r"training\.json: damaged"):
        captioning(**where)


def test_broken_lines_of_captions_are_noticed(study):
    layout, where = study
    (layout.captioned("mlp", 8, 3) / "captions.jsonl").write_text('{"dataset": "told", ')
    with pytest.raises(DamagedError, match=r"mlp/pairs-8/seed-3/captions\.jsonl: damaged"):
        captioning(**where)


def test_captions_with_marks_and_line_breaks_come_through(study):
    layout, where = study
    path = layout.captioned("mlp", 8, 3) / "captions.jsonl"
    row = json.loads(path.read_text().splitlines()[0]) | {"caption": '<b>"a", b\n', "references": ["ü\u2028", '"']}
    path.write_text(json.dumps(row) + "\n")
    captioning(**where)
    captions = table(layout, "captions.csv").query("run == 'mlp'")
    assert captions["caption"].tolist() == ['<b>"a", b\n']
    assert json.loads(captions["references"].iloc[0]) == ["ü\u2028", '"']


def test_a_study_without_captioning_is_refused(measured, tmp_path):
    layout, _ = measured
    _, where = make_layout(tmp_path, study_values(layout.results.parent) | {"captioning": None})
    with pytest.raises(ParamsError, match="study 'captioned' has no captioning block"):
        captioning(**where)
