import json
from dataclasses import replace

import pandas as pd
import pytest

from ligature.cli import series, sweep
from ligature.cli.features import load_pairs, projector_config
from ligature.cli.series import Series, collect, read_results
from ligature.errors import DataError, ParamsError
from ligature.params import parse_study
from ligature.params.train import LossParams
from ligature.store import Layout
from ligature.training import Runtime

PAIR = ("pixels", "bag-of-words")


@pytest.fixture
def two_seeds(finished, tmp_path):
    """A series of two short trainings in a folder of its own."""
    layout, _ = finished
    return Series(
        layout=layout,
        folder=tmp_path / "short",
        name="short",
        pair=PAIR,
        mode="pooled",
        loss=LossParams(),
        steps=3,
        batch_size=60,
        seeds=[0, 4],
        labelled=["labels-val"],
        captioned=["captions-val"],
    )


def run(chosen: Series, **changes) -> None:
    data = load_pairs(chosen.layout, *PAIR, ["captions-train"])
    config = replace(projector_config(chosen.layout.study.train.projector, data.images, data.texts), **changes)
    chosen.run(config, data, {"why": "test"}, Runtime())


def counted(monkeypatch, fail_at: int | None = None) -> list[int]:
    """Counts the seeds that are trained; the training of one of them is killed."""
    seeds, train = [], series.train

    def counting(config, data, settings, *others, **options):
        if settings.seed == fail_at:
            raise KeyboardInterrupt
        seeds.append(settings.seed)
        return train(config, data, settings, *others, **options)

    monkeypatch.setattr(series, "train", counting)
    return seeds


def test_every_seed_is_trained_and_measured(two_seeds):
    run(two_seeds)
    table = read_results(two_seeds.folder / "results.csv")
    assert set(table["seed"]) == {0, 4}
    assert set(table["model"]) == {"short", "chance"}
    assert set(table["task"]) == {"classification", "retrieval"}
    assert (table["variant"] == "").all()
    own = table[(table["model"] == "short") & (table["metric"] == "t2i_recall@10")].set_index("seed")["value"]
    assert own[0] != own[4]


def test_a_killed_series_goes_on_with_the_seed_it_was_at(two_seeds, monkeypatch):
    with monkeypatch.context() as patch:
        counted(patch, fail_at=4)
        with pytest.raises(KeyboardInterrupt):
            run(two_seeds)
    first = (two_seeds.folder / "seed-0/projector.safetensors").stat().st_mtime_ns
    seeds = counted(monkeypatch)
    run(two_seeds)
    assert seeds == [4]
    assert (two_seeds.folder / "seed-0/projector.safetensors").stat().st_mtime_ns == first
    assert set(read_results(two_seeds.folder / "results.csv")["seed"]) == {0, 4}


def test_a_killed_series_of_other_settings_is_not_taken_over(two_seeds, monkeypatch):
    with monkeypatch.context() as patch:
        counted(patch, fail_at=4)
        with pytest.raises(KeyboardInterrupt):
            run(two_seeds)
    seeds = counted(monkeypatch)
    run(two_seeds, dropout=0.25)
    assert seeds == [0, 4]


def test_a_finished_series_that_is_run_again_is_trained_again(two_seeds, monkeypatch):
    run(two_seeds)
    before = (two_seeds.folder / "results.csv").read_bytes()
    seeds = counted(monkeypatch)
    run(two_seeds)
    assert seeds == [0, 4]
    assert (two_seeds.folder / "results.csv").read_bytes() == before


def test_series_are_collected_with_chance_once(two_seeds, tmp_path):
    run(two_seeds)
    run(replace(two_seeds, folder=tmp_path / "other", name="other"))
    table = collect(tmp_path, ["short", "other"], "vary")
    assert table["model"].drop_duplicates().to_list() == ["short", "chance", "other"]
    assert not table.duplicated().any()
    with pytest.raises(DataError, match=r"gone/results.csv: missing; run `ligature vary gone` first"):
        collect(tmp_path, ["short", "gone"], "vary")


def test_a_sweep_trains_its_run_on_its_own_data_sets(finished, tmp_path):
    layout, file = finished
    values = layout.study.model_dump(mode="json")
    run_values = {"vision_local": "none", "text_local": "identity", "datasets": ["captions-val"]}
    values["sweep"] = {
        **{"vision": "pixels", "text": "bag-of-words", "datasets": ["captions-train"], "retrieval": ["captions-val"]},
        **{"seeds": [0], "steps": 2, "batch_size": 30, "embed_dim": 8, "runs": {"small": run_values}},
    }
    changed = tmp_path / "params.yaml"
    changed.write_text(json.dumps(values), encoding="utf-8")
    where = {"params": changed, "results": layout.results}
    sweep.vary("small", **where)
    sweep.sweep(**where)
    folder = Layout(parse_study(values, "test"), layout.results).sweep
    assert set(read_results(folder / "results.csv")["model"]) == {"small", "chance"}
    costs = pd.read_csv(folder / "costs.csv")
    assert costs["mode"].to_list() == ["pooled"]
    assert costs["image_bytes"].item() == 8 * 8 * 3 * 2
    card = (folder / "small/seed-0/projector.json").read_text()
    assert '"embed_dim": 8' in card
    assert '"images": 60' in card
    with pytest.raises(ParamsError, match="unknown run 'large'; known: small"):
        sweep.vary("large", **where)
    with pytest.raises(ParamsError, match="has no sweep block"):
        sweep.sweep(params=file, results=layout.results)


@pytest.mark.parametrize(("size", "group", "expected"), [(10, None, 10), (10, 8, 8), (17, 8, 16), (5, 8, 8)])
def test_a_small_data_set_still_makes_whole_groups(size, group, expected):
    assert series.whole_groups(size, group) == expected
