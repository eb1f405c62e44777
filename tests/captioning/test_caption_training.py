"""Training on captions in stages: it learns, repeats itself, writes a whole folder, and stops where it must."""

import dataclasses
import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import torch
from coloured_captions import FIRST, SECOND, changed, coloured_captions, two_stages
from safetensors.torch import load_file
from tiny_vlm import LORA, tiny_vlm

from ligature.captioning import (
    CaptionData,
    CaptioningResult,
    CaptionStage,
    StageSettings,
    VisionLanguageModel,
    train_captioning,
    validation_loss,
)
from ligature.captioning.training import hash_model
from ligature.errors import DataError, ParamsError, TrainingError
from ligature.store.damage import read_sealed
from ligature.training import Runtime


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> CaptionData:
    return coloured_captions(tmp_path_factory.mktemp("pictures"))


class Plain(NamedTuple):
    """What two stages leave."""

    folder: Path
    weights: dict[str, bytes]
    history: pd.DataFrame


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory) -> Plain:
    folder = tmp_path_factory.mktemp("plain")
    result = train(folder, data)
    return Plain(folder / "run", weights(result.model), result.history)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def weights(model: VisionLanguageModel) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}


def train(tmp_path: Path, data: CaptionData, name: str = "run", stages=None, **changes) -> CaptioningResult:
    options = changes.pop("options", {})
    stages = stages or two_stages(data)
    return train_captioning(tiny_vlm(tmp_path / "parts", **options), stages, tmp_path / name, **changes)


def test_captions_of_new_pictures_become_likelier_than_those_of_others(tmp_path, data):
    rates = {"connector": 1e-2, "language": 5e-3}
    settings = StageSettings(epochs=16, batch_size=12, warmup_steps=2, learning_rates=rates)
    result = train(tmp_path, data, stages=[CaptionStage(data, settings)])
    losses = result.history["train_loss"]
    assert losses.iloc[-4:].mean() < 0.4 * losses.iloc[:4].mean()
    new = coloured_captions(tmp_path / "new", draw=1)
    swapped = dataclasses.replace(new, image_of_text=(new.image_of_text + 7) % 24)
    assert validation_loss(result.model, new) < 0.85 * validation_loss(result.model, swapped)
    assert not result.model.training


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not(tmp_path, data, plain):
    torch.rand(3)
    train(tmp_path, data)
    assert contents(tmp_path / "run") == contents(plain.folder)
    assert {path.name for path in plain.folder.iterdir()} == {"model", "history.csv", "training.json"}
    other = train_captioning(tiny_vlm(tmp_path / "parts"), [changed(stage, seed=1) for stage in two_stages(data)])
    name = "connector.map.weight"
    assert weights(other.model)[name] != plain.weights[name]


def test_threads_memory_and_what_is_read_ahead_change_nothing_and_every_stage_has_its_log_folder(tmp_path, data, plain):
    runtime = Runtime(prefetch=0, log_folder=tmp_path / "logs")
    assert weights(train(tmp_path, data, workers=3, cache_bytes=1 << 14, runtime=runtime).model) == plain.weights
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["stage-1", "stage-2"]
    assert (tmp_path / "logs" / "stage-2" / "compute.json").is_file()


def test_stages_come_one_after_the_other_and_without_a_folder_nothing_is_written(tmp_path, data, plain, monkeypatch):
    model = tiny_vlm(tmp_path / "parts")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    first, second = two_stages(data)
    assert train_captioning(model, [first]).facts["steps"] == 9
    assert train_captioning(model, [second]).facts["steps"] == 8
    assert weights(model) == plain.weights
    assert torch.equal(torch.rand(2), expected), "the caller's random state is left alone"
    assert list(Path.cwd().iterdir()) == []


def test_history_is_a_row_a_step_of_every_stage_with_metrics_at_the_ends_of_epochs(tmp_path, data):
    epochs, seen = iter(range(10)), []

    def validate(model: VisionLanguageModel) -> dict[str, float]:
        seen.append((model.training, torch.is_grad_enabled()))
        return {"loss": float(next(epochs))}

    result = train(tmp_path, data, validate=validate)
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    pd.testing.assert_frame_equal(history, result.history)
    columns = ["stage", "step", "epoch", "train_loss", "learning_rate", "cut_captions", "validation_loss"]
    assert list(history.columns) == columns
    assert history["stage"].tolist() == [1] * 9 + [2] * 8
    assert history["step"].tolist() == [*range(1, 10), *range(1, 9)]
    assert history["validation_loss"].dropna().to_dict() == {2: 0, 5: 1, 8: 2, 12: 3, 16: 4}
    assert seen == [(False, False)] * 5
    assert result.facts["validation_loss"] == 4


def test_the_folder_is_the_trained_model_with_its_facts(tmp_path, data):
    smaller = data.subset(20, 0)
    result = train(tmp_path, data, stages=two_stages(data, smaller), provenance={"study": "tiny"})
    model = VisionLanguageModel.from_pretrained(tmp_path / "run" / "model")
    assert hash_model(model) == hash_model(result.model)
    card = read_sealed(tmp_path / "run" / "training.json")
    assert card["provenance"] == {"study": "tiny"}
    assert card["facts"] == result.facts
    assert card["data_hashes"] == ["coloured 0", smaller.hash]
    assert card["config"] == model.config.to_dict()
    assert [settings["learning_rates"] for settings in card["settings"]] == [
        FIRST.learning_rates,
        SECOND.learning_rates,
    ]
    facts = result.facts
    assert (facts["images"], facts["pairs"]) == (24 + 20, 48 + 20)
    assert facts["steps"] == 9 + 6
    assert facts["samples_seen"] == 72 + 36
    assert facts["flops"] == sum(stage["flops"] for stage in facts["stages"]) > 0
    connector = sum(weight.numel() for weight in result.model.connector.parameters())
    language = sum(weight.numel() for weight in result.model.language.parameters())
    assert facts["connector_parameters"] == connector
    assert facts["trainable_parameters"] == [connector, connector + language]
    assert facts["train_loss"] == facts["stages"][1]["train_loss"]


def test_adapters_are_merged_where_the_model_is_saved(tmp_path, data):
    result = train(tmp_path, data, options={"lora": LORA})
    saved = load_file(tmp_path / "run" / "model" / "language" / "model.safetensors")
    assert not any("lora" in name for name in saved)
    model = VisionLanguageModel.from_pretrained(tmp_path / "run" / "model")
    assert validation_loss(model, data) == pytest.approx(validation_loss(result.model, data), rel=1e-4)


def test_checkpointed_blocks_change_results_by_rounding_alone(tmp_path, data, plain):
    saving = train_captioning(tiny_vlm(tmp_path), two_stages(data), runtime=Runtime(checkpoint_activations=True))
    pd.testing.assert_frame_equal(saving.history, plain.history, rtol=1e-3)
    assert not saving.model.language.is_gradient_checkpointing


def test_a_later_stage_may_have_nothing_left_to_learn(tmp_path, data, monkeypatch):
    monkeypatch.setattr("ligature.training.health.PATIENCE_STEPS", 12)
    flat = dataclasses.replace(SECOND, batch_size=2, epochs=2, max_steps=14, learning_rates={"connector": 1e-12})
    with pytest.raises(TrainingError, match="the loss does not fall"):
        train_captioning(tiny_vlm(tmp_path), [CaptionStage(data, flat)])
    first = dataclasses.replace(FIRST, max_steps=3)
    stages = [CaptionStage(data, first), CaptionStage(data, flat)]
    assert train_captioning(tiny_vlm(tmp_path), stages).facts["steps"] == 3 + 14


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    broken = coloured_captions(tmp_path / "pictures")
    Path(broken.paths[7]).write_bytes(b"half")
    with pytest.raises(DataError, match=r"0-7\.png: not an image") as raised:
        train(tmp_path, broken)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "training.json").exists()


def test_divergence_and_missing_stages_are_told_in_one_line(tmp_path, data):
    wild = dataclasses.replace(FIRST, learning_rates={"connector": 1e30}, warmup_steps=0)
    with pytest.raises(TrainingError, match="lower learning_rate"):
        train_captioning(tiny_vlm(tmp_path), [CaptionStage(data, wild)])
    with pytest.raises(ParamsError, match="at least one stage"):
        train_captioning(tiny_vlm(tmp_path), [])
    if shutil.which("g++"):
        with pytest.raises(ParamsError, match="compiled: language models are trained without"):
            train_captioning(tiny_vlm(tmp_path), two_stages(data), runtime=Runtime(compiled=True))
    long = dataclasses.replace(FIRST, warmup_steps=9)
    with pytest.raises(ParamsError, match="only 9 steps"):
        train_captioning(tiny_vlm(tmp_path), [CaptionStage(data, long)])
