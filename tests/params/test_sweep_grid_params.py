"""The grid of a sweep: every combination is a run with a path, and mistakes are one line that names the key."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from study_values import changed

from ligature.errors import ParamsError
from ligature.params import parse_study
from ligature.params.grid import combinations, point_name
from ligature.params.train import GRID_KEYS, SweepParams, SweepRun

SWEEP = {
    **{"vision": "vit", "text": "bert", "datasets": ["captions"], "retrieval": ["sentences"], "seeds": [0]},
    **{"steps": 50, "batch_size": 4, "embed_dim": 16},
}
VALUES = {
    **{"mode": ["pooled", "regions"], "learning_rate": [0.001, 0.01], "min_learning_rate": [0.0, 1e-6]},
    **{"warmup_steps": [0, 9], "weight_decay": [0.0, 0.1], "batch_size": [4, 8], "steps": [10, 20]},
    **{"embed_dim": [8, 16], "projector.dropout": [0.0, 0.3], "projector.temperature": [0.05, 0.07]},
    **{"projector.vision_local": ["token", "mlp"], "projector.vision_cls": ["token", "none"]},
    **{"projector.text_local": ["token", "linear"], "projector.text_global": ["mlp", "gated"]},
    **{"projector.vision_pooling": ["mean", "max"], "projector.text_pooling": ["mean", "cls"]},
    **{"loss.kind": ["infonce", "siglip"]},
}
"""Two values of every key but those of local negatives, which only go together."""


def sweep_of(**block) -> SweepParams:
    return parse_study(changed(sweep=SWEEP | block), "study.yaml").sweep


def wrong(**block) -> str:
    with pytest.raises(ParamsError) as caught:
        sweep_of(**block)
    return str(caught.value)


def test_every_combination_is_a_run_beside_those_with_names():
    sweep = sweep_of(grid={"learning_rate": ["1e-3", 0.1], "loss.kind": ["siglip"]}, runs={"plain": {}})
    assert list(sweep.points) == [
        "plain",
        "learning_rate~0.001/loss.kind~siglip",
        "learning_rate~0.1/loss.kind~siglip",
    ]
    point = sweep.points["learning_rate~0.1/loss.kind~siglip"]
    assert (point.learning_rate, point.loss.kind, point.vision_local) == (0.1, "siglip", "token")
    assert sweep.combinations["learning_rate~0.001/loss.kind~siglip"]["learning_rate"] == 0.001


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(list(VALUES)), st.just(None), min_size=1, max_size=4))
def test_names_are_the_paths_of_a_paramspace(keys):
    from snakemake.utils import Paramspace

    grid = {key: VALUES[key] for key in keys}
    sweep = sweep_of(grid=grid)
    assert len(sweep.points) == 2 ** len(grid)
    rows = [point.values() for point in combinations(grid)]
    columns = {f"c{place}": values for place, values in enumerate(zip(*rows, strict=True))}
    space = list(Paramspace(pd.DataFrame(columns)).instance_patterns)
    for place, key in enumerate(grid):
        space = [path.replace(f"c{place}~", f"{key}~") for path in space]
    assert list(sweep.points) == space


@pytest.mark.parametrize("key", GRID_KEYS)
def test_every_key_changes_the_training(key):
    train = parse_study(changed(), "study.yaml").train
    if key in ("loss.negatives", "loss.group"):
        grid = {"loss.negatives": ["local"], "loss.group": [2, 4]}
    else:
        grid = {key: VALUES[key]}
    sweep = sweep_of(grid=grid)
    one, other = (sweep.training(run, train) for run in sweep.points.values())
    assert one != other
    assert one.seed == train.seed


def test_a_run_is_trained_as_the_sweep_and_train_say_where_it_says_nothing():
    study = parse_study(changed(sweep=SWEEP | {"runs": {"plain": {}}}, train__warmup_steps=100), "study.yaml")
    training = study.sweep.training(SweepRun(), study.train)
    assert (training.epochs, training.batch_size, training.projector.embed_dim) == (50, 4, 16)
    assert training.warmup_steps == 5, "a tenth of the steps at most"
    assert training.projector.dropout == study.train.projector.dropout
    assert study.sweep.training(SweepRun(warmup_steps=30), study.train).warmup_steps == 30
    assert study.sweep.training(SweepRun(datasets=["sentences"]), study.train).datasets == ["sentences"]
    assert SweepRun(datasets=["a"], steps=3).changed == ["datasets", "steps"]
    with pytest.raises(ParamsError, match="min_learning_rate 1e-05 is above learning_rate 1e-06"):
        study.sweep.training(SweepRun(learning_rate=1e-6), study.train)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"lr": [1]}, "sweep.grid: unknown key 'lr'; known: mode, learning_rate"),
        ({"seed": [0, 1]}, "sweep.grid: unknown key 'seed'"),
        ({"learning_rate": []}, "sweep.grid: learning_rate: no values; give one or more"),
        ({"learning_rate": [1, 1.0]}, "sweep.grid: learning_rate: 1.0 stands twice"),
        ({"learning_rate": ["fast"]}, "sweep.grid: learning_rate: got 'fast'; input should be a valid number"),
        ({"learning_rate": [-1]}, "sweep.grid: learning_rate: got -1; input should be greater than 0"),
        ({"learning_rate": [None]}, "sweep.grid: learning_rate: got None; leave it out"),
        ({"learning_rate": 0.1}, "sweep.grid.learning_rate: got 0.1; input should be a valid list"),
        ({"batch_size": [2.5]}, "sweep.grid: batch_size: got 2.5"),
        ({"steps": [*range(1, 102)], "embed_dim": [*range(1, 11)]}, "sweep.grid: 1,010 combinations; at most 1,000"),
        ({"loss.negatives": ["local"]}, "sweep: grid: loss.negatives~local: negatives 'local' takes a group"),
        (
            {"loss.negatives": ["local"], "loss.group": [2], "batch_size": [5]},
            "sweep: grid: loss.negatives~local/loss.group~2/batch_size~5: loss.group 2 does not divide batch_size 5",
        ),
    ],
)
def test_a_mistake_in_the_grid_is_one_line_that_names_the_key(grid, message):
    said = wrong(grid=grid, runs={"plain": {}})
    assert message in said
    assert "\n" not in said


def test_a_sweep_needs_runs_or_a_grid():
    assert "sweep.runs: got {}; name a run, or give the sweep a grid" in wrong()
    assert len(sweep_of(grid={"steps": [5]}).points) == 1
    assert point_name({"learning_rate": 1e20}) == "learning_rate~1e20"


def test_a_run_may_have_encoders_of_its_own():
    values = changed(sweep=SWEEP | {"runs": {"own": {"text": "nobody"}}})
    with pytest.raises(ParamsError, match=r"sweep\.runs\.own\.text: unknown encoder 'nobody'"):
        parse_study(values, "study.yaml")
    sweep = sweep_of(runs={"own": {"text": "bert", "variants": True}})
    assert sweep.pair(sweep.runs["own"]) == ("vit", "bert")


def test_a_run_that_does_not_go_together_with_train_is_refused_before_the_first_job():
    with pytest.raises(ParamsError, match=r"min_learning_rate .* is above learning_rate 1e-09"):
        sweep_of(grid={"learning_rate": [1e-9]})
