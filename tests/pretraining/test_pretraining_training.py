"""Pre-training: it learns held-out pairs, repeats itself, writes a whole folder, and stops where it cannot succeed."""

import dataclasses
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from coloured_pairs import ALIGNED, SETTINGS, SHARED, coloured_pairs, make_config, make_tokenizer
from PIL import Image

from ligature.encoders.contrastive.folder import load_pair
from ligature.encoders.contrastive.images import resize_and_crop, to_pixels
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer
from ligature.errors import DataError, TrainingError
from ligature.pretraining import AlignmentSettings, ImageTextPairs, PretrainingResult, pretrain
from ligature.store.damage import read_sealed
from ligature.training import Runtime, learning_rate_at

FILES = {
    "model/config.json",
    "model/model.safetensors",
    "model/tokenizer.json",
    "model/tokenizer_config.json",
    "model/preprocessor_config.json",
    "history.csv",
    "training.json",
}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> ImageTextPairs:
    return coloured_pairs(tmp_path_factory.mktemp("pictures"))


def train(pairs, settings=SETTINGS, folder=None, *, config=None, **changes) -> PretrainingResult:
    tokenizer = make_tokenizer(pairs)
    return pretrain(make_config(tokenizer, **(config or {})), pairs, tokenizer, settings, folder, **changes)


def weights(model: ContrastiveModel) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the files of a folder by their names; what is hidden seals the model and counts as well."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@torch.no_grad()
def caption_accuracy(model: ContrastiveModel, tokenizer: CaptionTokenizer, pairs: ImageTextPairs) -> float:
    """The share of images whose nearest caption, of all distinct ones of the first kind, is true of them."""
    captions = sorted(set(pairs.captions[::2]))
    images = [np.asarray(resize_and_crop(Image.open(path), model.config.image_size)) for path in pairs.paths]
    image_features = model.encode_image(to_pixels(np.stack(images)))
    nearest = (image_features @ model.encode_text(tokenizer.encode(captions)).T).argmax(dim=1).tolist()
    return np.mean([captions[index] == truth for index, truth in zip(nearest, pairs.captions[::2], strict=True)])


@pytest.mark.parametrize("shared", [(), SHARED], ids=["clip", "shared"])
def test_the_loss_falls_and_captions_of_new_pictures_are_found(tmp_path, pairs, shared):
    settings = dataclasses.replace(ALIGNED, epochs=20, learning_rate=1e-2, warmup_steps=10)
    result = train(pairs, settings, config={"shared": shared})
    losses = result.history["train_loss"]
    assert losses.iloc[-8:].mean() < 0.3 * losses.iloc[:8].mean()
    assert caption_accuracy(result.model, make_tokenizer(pairs), coloured_pairs(tmp_path, draw=1)) > 0.8
    assert not result.model.training


def test_the_same_arguments_give_the_same_bytes_and_another_seed_does_not(tmp_path, pairs):
    for name in ("a", "b"):
        torch.rand(3)
        train(pairs, ALIGNED, tmp_path / name, provenance={"data": "coloured"})
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a").keys() >= FILES
    assert not (tmp_path / "a" / "checkpoint").exists()
    other = train(pairs, dataclasses.replace(ALIGNED, seed=1))
    assert weights(other.model) != weights(load_pair(tmp_path / "a" / "model").model)


def test_threads_and_what_is_read_ahead_change_nothing(pairs):
    plain = weights(train(pairs, ALIGNED).model)
    assert weights(train(pairs, ALIGNED, workers=3, runtime=Runtime(prefetch=0)).model) == plain


def test_a_training_leaves_the_callers_random_state_alone(pairs):
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    quiet = train(pairs)
    assert torch.equal(torch.rand(2), expected)
    noisy = train(pairs, validate=lambda model: {"draw": torch.rand(1).item()})
    assert weights(noisy.model) == weights(quiet.model)


def test_history_is_a_row_a_step_with_metrics_at_measured_epochs(tmp_path, pairs):
    epochs, seen = iter(range(10)), []

    def validate(model: ContrastiveModel) -> dict[str, float]:
        seen.append((model.training, torch.is_grad_enabled()))
        return {"centroid_gap": float(next(epochs))}

    settings = dataclasses.replace(SETTINGS, epochs=5, validate_every_epochs=2)
    result = train(pairs, settings, tmp_path, validate=validate)
    history = pd.read_csv(tmp_path / "history.csv")
    pd.testing.assert_frame_equal(history, result.history)
    columns = ["step", "epoch", "train_loss", "learning_rate", "temperature", "validation_centroid_gap"]
    assert list(history.columns) == columns
    assert history["step"].tolist() == list(range(1, 21))
    assert history["validation_centroid_gap"].dropna().to_dict() == {7: 0, 15: 1, 19: 2}
    assert seen == [(False, False)] * 3
    rates = {"warmup_steps": 2, "learning_rate": 3e-3, "min_learning_rate": 1e-5}
    expected = [learning_rate_at(step, total_steps=20, **rates) for step in range(20)]
    assert history["learning_rate"].tolist() == pytest.approx(expected)
    assert history["temperature"].iloc[0] == pytest.approx(0.07)
    assert result.facts["validation_centroid_gap"] == 2


def test_the_folder_is_the_trained_pair_with_its_facts(tmp_path, pairs):
    result = train(pairs, ALIGNED, tmp_path, validate=lambda model: {"gap": 0.25}, provenance={"study": "tiny"})
    pair = load_pair(tmp_path / "model")
    assert weights(pair.model) == weights(result.model)
    assert pair.tokenizer.hash == make_tokenizer(pairs).hash == pair.model.config.tokenizer_hash
    card = read_sealed(tmp_path / "training.json")
    assert card["provenance"] == {"study": "tiny"}
    assert card["facts"] == result.facts
    assert card["facts"]["validation_gap"] == 0.25
    assert card["settings"]["loss"]["separate"] == ["image", "text"]
    assert "checkpoint_every_seconds" not in card["settings"]
    assert card["data_hash"] == "coloured 0"
    assert card["config"] == pair.model.config.to_dict()


def test_without_a_folder_nothing_is_written(tmp_path, pairs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(pairs).facts["steps"] == 16
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_stays_close_to_float32_and_weights_stay_float32(pairs):
    full, half = (train(pairs, runtime=Runtime(precision=name)) for name in ("float32", "bfloat16"))
    assert weights(half.model) != weights(full.model)
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.float32}
    assert half.facts["train_loss"] == pytest.approx(full.facts["train_loss"], rel=0.05)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiling_changes_results_by_rounding_alone(pairs):
    short = dataclasses.replace(ALIGNED, max_steps=3)
    plain, compiled = (train(pairs, short, runtime=Runtime(compiled=value)) for value in (False, True))
    pd.testing.assert_frame_equal(compiled.history, plain.history, rtol=1e-3)


def test_a_batch_larger_than_the_data_is_the_data(tmp_path):
    small = coloured_pairs(tmp_path, 5)
    result = train(small, dataclasses.replace(SETTINGS, epochs=3))
    assert (result.facts["steps"], result.facts["samples_seen"]) == (3, 15)


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    broken = coloured_pairs(tmp_path / "pictures", 24)
    Path(broken.paths[7]).write_bytes(b"half")
    with pytest.raises(DataError, match=r"0-7\.png: not an image") as raised:
        train(broken, folder=tmp_path / "run")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "training.json").exists()


def test_divergence_names_step_learning_rate_and_remedy(pairs):
    wild = dataclasses.replace(SETTINGS, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(TrainingError, match="lower learning_rate"):
        train(pairs, wild)


def test_a_metric_that_is_not_finite_stops(pairs):
    with pytest.raises(TrainingError, match="validation metric gap is nan at step 4"):
        train(pairs, validate=lambda model: {"gap": math.nan})


def test_captions_that_say_nothing_stop_unless_allowed(pairs):
    blank = dataclasses.replace(pairs, captions=["a picture"] * len(pairs.captions))
    flat = dataclasses.replace(SETTINGS, epochs=27, batch_size=12)
    with pytest.raises(TrainingError, match=r"does not fall: .* 2\.4849 by chance.*require_progress"):
        train(blank, flat)
    allowed = dataclasses.replace(flat, require_progress=False, loss=AlignmentSettings(alpha=2.0))
    assert train(blank, allowed).facts["train_loss"] == pytest.approx(2 * math.log(12), rel=0.02)


def test_provenance_that_json_cannot_hold_is_refused_before_the_first_step(pairs, tmp_path):
    with pytest.raises(TypeError):
        train(pairs, folder=tmp_path, provenance={"when": object()})
    assert list(tmp_path.iterdir()) == []
