"""Training: it learns, repeats itself, stops where it cannot succeed, and writes what it learned."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from synthetic_pairs import CONFIG, TEXT_DIM, VISION_DIM, planted_pairs, recall_at_1

from ligature.errors import DamagedError, DataError, ParamsError, TrainingError
from ligature.projection import (
    ImageFeatures,
    PairedFeatures,
    Projector,
    RaggedTokens,
    TrainSettings,
    load_projector,
    project_images,
    save_projector,
    train,
    train_probe,
)
from ligature.projection.loop import ProjectionLoop
from ligature.store.damage import read_sealed
from ligature.training import learning_rate_at
from ligature.training.distributed import Processes
from ligature.training.health import chance_loss, check_progress
from ligature.training.losses import LossSettings, contrastive_loss
from ligature.training.runtime import Runtime

SETTINGS = TrainSettings(epochs=4, batch_size=16, warmup_steps=3, learning_rate=3e-3, seed=1)


def weights(projector: Projector) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in projector.state_dict().items()}


def test_loss_falls_and_held_out_retrieval_rises_from_chance():
    data, held_out = planted_pairs(256), planted_pairs(100, draw=1)
    learning = dataclasses.replace(SETTINGS, epochs=25, batch_size=64, warmup_steps=10)
    result = train(CONFIG, data, learning, validate=lambda model: {"recall": recall_at_1(model, held_out)})
    torch.manual_seed(SETTINGS.seed)
    assert recall_at_1(Projector(CONFIG), held_out) < 0.1
    assert result.facts["validation_recall"] > 0.6
    assert result.history["train_loss"].iloc[-4:].mean() < 0.4 * result.history["train_loss"].iloc[:4].mean()


def test_wrong_pairing_is_not_learned_for_held_out_pairs():
    data, held_out = planted_pairs(256), planted_pairs(100, draw=1)
    wrong = np.random.default_rng(0).permutation(data.image_of_text)
    shuffled = PairedFeatures(data.images, data.texts, wrong)
    result = train_probe(CONFIG, shuffled, steps=100, batch_size=64, learning_rate=3e-3)
    assert recall_at_1(result.projector, held_out) < 0.15


@pytest.mark.parametrize("kinds", [("none", "linear", "identity", "linear"), ("mlp", "none", "token", "identity")])
def test_smaller_assemblies_train_on_what_they_need(kinds):
    keys = ("vision_local", "vision_cls", "text_local", "text_global")
    config = dataclasses.replace(CONFIG, **dict(zip(keys, kinds, strict=True)))
    data = planted_pairs(64)
    images = ImageFeatures(**{"cls" if kinds[0] == "none" else "local": data.images.cls})
    result = train_probe(config, PairedFeatures(images, data.texts, data.image_of_text), steps=60, batch_size=32)
    losses = result.history["train_loss"]
    assert losses.iloc[-5:].mean() < losses.iloc[:5].mean()


def test_tokens_train_like_their_padded_selves():
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 6, size=24)
    offsets = np.cumsum([0, *lengths])
    patches = RaggedTokens(generator.normal(size=(offsets[-1], VISION_DIM)).astype(np.float16), offsets)
    texts = RaggedTokens(generator.normal(size=(offsets[-1], TEXT_DIM)).astype(np.float16), offsets)
    cls = generator.normal(size=(24, VISION_DIM)).astype(np.float16)
    data = PairedFeatures(ImageFeatures(cls, patches), texts, np.arange(24))
    result = train_probe(CONFIG, data, steps=60, batch_size=8, learning_rate=3e-3)
    losses = result.history["train_loss"]
    assert losses.iloc[-3:].mean() < 0.7 * losses.iloc[:3].mean()


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path):
    data = planted_pairs(50)
    for name in ("a", "b"):
        torch.rand(3)
        train(CONFIG, data, SETTINGS, tmp_path / name, provenance={"data": "planted"})
    files = {"projector.safetensors", "projector.json", "history.csv"}
    assert {path.name for path in (tmp_path / "a").iterdir()} == files
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    other = train(CONFIG, data, dataclasses.replace(SETTINGS, seed=2))
    assert weights(other.projector) != weights(load_projector(tmp_path / "a"))


def test_training_leaves_the_callers_random_state_alone_and_ignores_what_validation_draws():
    data = planted_pairs(50)
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    quiet = train(CONFIG, data, SETTINGS)
    assert torch.equal(torch.rand(2), expected)
    noisy = train(CONFIG, data, SETTINGS, validate=lambda _: {"draw": torch.rand(1).item()})
    assert weights(noisy.projector) == weights(quiet.projector)


def test_history_has_one_row_a_step_with_the_scheduled_rates(tmp_path):
    chosen = dataclasses.replace(SETTINGS, epochs=5, validate_every_epochs=2)
    epochs = iter(range(10))
    result = train(CONFIG, planted_pairs(50), chosen, tmp_path, validate=lambda _: {"count": next(epochs)})
    history = pd.read_csv(tmp_path / "history.csv")
    pd.testing.assert_frame_equal(history, result.history)
    assert list(history.columns) == [
        "step", "epoch", "train_loss", "learning_rate", "temperature", "validation_count",
    ]  # fmt: skip
    assert history["step"].tolist() == list(range(1, 16))
    assert history["epoch"].tolist() == [epoch for epoch in range(1, 6) for _ in range(3)]
    rates = [
        learning_rate_at(step, total_steps=15, warmup_steps=3, learning_rate=3e-3, min_learning_rate=1e-5)
        for step in range(15)
    ]
    assert history["learning_rate"].tolist() == pytest.approx(rates)
    assert history["temperature"].iloc[0] == pytest.approx(0.07)
    assert history["temperature"].nunique() > 1
    assert history["validation_count"].dropna().to_dict() == {5: 0, 11: 1, 14: 2}


def test_temperature_stays_in_its_bounds_while_training():
    narrow = dataclasses.replace(CONFIG, min_temperature=0.0695, max_temperature=0.0705)
    history = train(narrow, planted_pairs(50), dataclasses.replace(SETTINGS, epochs=10)).history
    assert history["temperature"].between(0.0695 - 1e-6, 0.0705 + 1e-6).all()
    assert history["temperature"].max() == pytest.approx(0.0705, rel=1e-5)


def test_validation_sees_evaluation_mode_without_gradients():
    seen = []

    def validate(model: Projector) -> dict[str, float]:
        seen.append((model.training, torch.is_grad_enabled()))
        return {}

    result = train(CONFIG, planted_pairs(50), SETTINGS, validate=validate)
    assert seen == [(False, False)] * 4
    assert not result.projector.training


def test_saved_projector_is_the_trained_one_with_its_facts(tmp_path):
    data = planted_pairs(50)
    result = train(CONFIG, data, SETTINGS, tmp_path, validate=lambda _: {"recall": 0.25}, provenance={"rows": 50})
    loaded = load_projector(tmp_path)
    assert loaded.config == CONFIG
    assert not loaded.training
    assert np.array_equal(project_images(loaded, data.images), project_images(result.projector, data.images))
    card = json.loads((tmp_path / "projector.json").read_text())
    assert card["config"] == dataclasses.asdict(CONFIG)
    assert card["provenance"] == {"rows": 50}
    assert card["facts"]["settings"] == SETTINGS.decisive()
    assert "checkpoint_every_seconds" not in card["facts"]["settings"]
    expected = {"images": 50, "texts": 100, "steps": 12, "samples_seen": 192, "validation_recall": 0.25}
    assert card["facts"].items() >= expected.items()
    assert card["facts"]["trainable_parameters"] == sum(p.numel() for p in loaded.parameters())
    assert card["facts"]["train_loss"] == pytest.approx(result.history["train_loss"].iloc[-3:].mean())
    assert card["facts"]["temperature"] == pytest.approx(math.exp(-loaded.logit_scale.item()))


def test_loading_refuses_what_is_missing_or_does_not_fit(tmp_path):
    with pytest.raises(DataError, match="train the projector first"):
        load_projector(tmp_path)
    save_projector(Projector(CONFIG), tmp_path)
    tensors = load_file(tmp_path / "projector.safetensors")
    save_file({"logit_scale": tensors["logit_scale"]}, tmp_path / "projector.safetensors")
    with pytest.raises(DamagedError, match=r"projector\.safetensors: damaged"):
        load_projector(tmp_path)
    card = read_sealed(tmp_path / "projector.json")
    del card["weights"]
    (tmp_path / "projector.json").write_text(json.dumps(card))
    with pytest.raises(DataError, match="do not fit"):
        load_projector(tmp_path)
    (tmp_path / "projector.safetensors").write_bytes(b"half")
    with pytest.raises(DamagedError, match=r"projector\.safetensors: damaged"):
        load_projector(tmp_path)


def test_small_data_makes_one_partial_batch():
    result = train(CONFIG, planted_pairs(5), dataclasses.replace(SETTINGS, epochs=6))
    assert result.facts["steps"] == 6
    assert result.facts["samples_seen"] == 30


def test_probe_takes_exactly_its_steps_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train_probe(CONFIG, planted_pairs(50), steps=25, batch_size=16)
    assert len(result.history) == 25
    assert result.history["learning_rate"].iloc[[2, -1]].tolist() == pytest.approx([1e-3, 1e-5])
    assert not list(tmp_path.iterdir())


def test_probe_is_the_same_training_loop():
    data = planted_pairs(50)
    probe = train_probe(CONFIG, data, steps=12, batch_size=16, learning_rate=3e-3, seed=1)
    chosen = dataclasses.replace(SETTINGS, warmup_steps=1, min_learning_rate=3e-5)
    assert weights(probe.projector) == weights(train(CONFIG, data, chosen).projector)


def test_bfloat16_training_stays_close_to_float32():
    data = planted_pairs(128)
    chosen = dataclasses.replace(SETTINGS, epochs=10, batch_size=32)
    full, half = (train(CONFIG, data, chosen, runtime=Runtime(precision=name)) for name in ("float32", "bfloat16"))
    assert weights(half.projector) != weights(full.projector)
    assert all(parameter.dtype == torch.float32 for parameter in half.projector.parameters())
    assert half.facts["train_loss"] == pytest.approx(full.facts["train_loss"], rel=0.1)


def test_features_that_are_not_finite_are_named():
    data = planted_pairs(50)
    data.images.cls[7, 3] = np.inf
    with pytest.raises(TrainingError, match=r"nan at step [1-4] with learning rate .*features of this batch"):
        train(CONFIG, data, SETTINGS)


def test_divergence_names_step_learning_rate_and_remedy():
    data = planted_pairs(50)
    wild = dataclasses.replace(SETTINGS, learning_rate=1e38, warmup_steps=0)
    with pytest.raises(TrainingError, match=r"at step \d+ with learning rate \S+: lower learning_rate or raise"):
        train(CONFIG, data, wild)


def test_metric_that_is_not_finite_stops():
    with pytest.raises(TrainingError, match="validation metric recall is nan at step 3"):
        train(CONFIG, planted_pairs(50), SETTINGS, validate=lambda _: {"recall": math.nan})


def test_flat_loss_stops_unless_allowed():
    data = planted_pairs(64)
    blank = PairedFeatures(data.images, np.ones_like(data.texts), data.image_of_text)
    flat = dataclasses.replace(SETTINGS, epochs=60)
    with pytest.raises(TrainingError, match=r"does not fall: .* at step 104, .* 2\.7726 by chance.*require_progress"):
        train(CONFIG, blank, flat)
    allowed = train(CONFIG, blank, dataclasses.replace(flat, require_progress=False))
    assert allowed.facts["train_loss"] == pytest.approx(math.log(16), rel=0.01)


@pytest.mark.parametrize(
    ("losses", "stops"),
    [
        ([2.0] * 109, False),
        ([2.0] * 110, True),
        ([2.0] * 100 + [1.97] * 10, False),
        ([2.0] * 100 + [1.985] * 10, True),
        ([9.0] * 50 + [5.0] * 60, True),
        ([9.0] * 50 + [4.0] * 60, False),
    ],
)
def test_progress_is_judged_against_start_and_chance(losses, stops):
    limits = {"chance": math.log(100), "warmup_steps": 10, "window": 10}
    if stops:
        with pytest.raises(TrainingError):
            check_progress(losses, **limits)
    else:
        check_progress(losses, **limits)


@pytest.mark.parametrize("kind", ["infonce", "siglip"])
@pytest.mark.parametrize("group", [None, 4])
def test_chance_is_the_loss_of_features_that_know_nothing_at_the_best_bias(kind, group):
    loss = LossSettings(kind, "local" if group else "global", group)
    same, candidates = torch.nn.functional.normalize(torch.ones(12, 5), dim=-1), group or 12
    losses = [
        contrastive_loss(
            same, same, torch.tensor(0.0), torch.tensor(-math.log(candidates - 1) - 1 + shift), loss
        ).item()
        for shift in (-0.01, 0.0, 0.01)
    ]
    assert min(losses) == losses[1] == pytest.approx(chance_loss(loss, 12), rel=1e-5)


@pytest.mark.parametrize("loss", [LossSettings("siglip"), LossSettings(negatives="local", group=16)])
def test_other_losses_learn_held_out_pairs(loss):
    data, held_out = planted_pairs(256), planted_pairs(100, draw=1)
    config = CONFIG
    if loss.kind == "siglip":
        config = dataclasses.replace(CONFIG, logit_bias=-10.0, temperature=0.1)
    learning = dataclasses.replace(SETTINGS, epochs=25, batch_size=64, warmup_steps=10, loss=loss)
    result = train(config, data, learning)
    assert recall_at_1(result.projector, held_out) > 0.5
    if loss.kind == "siglip":
        assert result.projector.logit_bias.item() != -10.0


def test_progress_leaves_the_warm_up_out():
    check_progress([9.0] * 100 + [4.5] * 100, chance=math.log(100), warmup_steps=100, window=1000)


def test_bad_arguments_are_refused_before_the_first_step():
    data = planted_pairs(50)
    with pytest.raises(TypeError):
        train(CONFIG, data, SETTINGS, provenance={"when": object()})
    with pytest.raises(ParamsError, match="text_dim"):
        train(dataclasses.replace(CONFIG, text_dim=3), data, SETTINGS)
    with pytest.raises(ParamsError, match="siglip needs a projector with logit_bias"):
        train(CONFIG, data, dataclasses.replace(SETTINGS, loss=LossSettings("siglip")))
    with pytest.raises(ParamsError, match="16 pairs in groups of 3"):
        train(CONFIG, data, dataclasses.replace(SETTINGS, loss=LossSettings(negatives="local", group=3)))


def test_compiling_without_a_compiler_names_the_remedy(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ParamsError, match=r"needs a C\+\+ compiler"):
        Runtime(compiled=True)


@pytest.mark.parametrize("micro_batch", [None, 6])
def test_a_gradient_scaler_changes_results_by_rounding_alone_and_passes_over_overflows(micro_batch):
    def trained(scaler: torch.amp.GradScaler | None) -> ProjectionLoop:
        alone = Processes(torch.device("cpu"))
        loop = ProjectionLoop(CONFIG, planted_pairs(50), SETTINGS, Runtime(micro_batch=micro_batch), alone)
        loop.state.scaler = scaler or loop.state.scaler
        loop.run(None, None)
        return loop

    plain, scaled = trained(None), trained(torch.amp.GradScaler("cpu", init_scale=1024.0))
    for name, expected in plain.state.model.state_dict().items():
        torch.testing.assert_close(scaled.state.model.state_dict()[name], expected, rtol=1e-4, atol=1e-6)
    overflowing = trained(torch.amp.GradScaler("cpu", init_scale=2.0**127))
    assert overflowing.state.scaler.get_scale() < 2.0**127
    assert all(tensor.isfinite().all() for tensor in overflowing.state.model.state_dict().values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"precision": "float8"}, "precision is 'float8'"),
        ({"precision": "float16"}, "float16, but the device is cpu"),
        ({"device": "abacus"}, "device 'abacus' is unknown"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"prefetch": -1}, "prefetch is -1"),
        ({"trackers": ("clipboard",)}, "tracker 'clipboard' is unknown"),
        ({"trackers": ("dvclive",)}, "'dvclive' has no log_folder"),
    ],
)
def test_an_impossible_runtime_names_its_key(arguments, words):
    with pytest.raises(ParamsError, match=words):
        Runtime(**arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_missing_gpu_is_named():
    with pytest.raises(ParamsError, match="no CUDA GPU"):
        train(CONFIG, planted_pairs(50), SETTINGS, runtime=Runtime(device="cuda"))
