"""Models on disk: the same bytes for the same model, and one line for every file that does not fit."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from plain_contrastive import ALIKE, SHARED, TWO_TOWERS, model_of, pixels_of, tokens_of
from safetensors.torch import load_file, save_file

from ligature.encoders.contrastive import ContrastiveModel
from ligature.errors import DamagedError, EncoderError

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@pytest.fixture
def folder(tmp_path) -> Path:
    model_of(SHARED).save_pretrained(tmp_path / "pair" / "model")
    return tmp_path / "pair" / "model"


def refused(folder: Path) -> str:
    with pytest.raises(EncoderError) as error:
        ContrastiveModel.from_pretrained(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def change_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    weights = load_file(folder / WEIGHTS) | {name.replace("__", "."): value for name, value in changes.items()}
    save_file({name: value for name, value in weights.items() if value is not None}, folder / WEIGHTS)


def change_config(folder: Path, **changes: object) -> None:
    values = json.loads((folder / CONFIG).read_text()) | changes
    (folder / CONFIG).write_text(json.dumps(values))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("config", [TWO_TOWERS, SHARED, replace(ALIKE, layer_scale=0.1, learn_logit_scale=False)])
def test_a_loaded_model_is_the_saved_one_and_saves_the_same_bytes(config, tmp_path):
    model = model_of(replace(config, tokenizer_hash="sha256:ab"))
    model.save_pretrained(tmp_path / "a")
    loaded = ContrastiveModel.from_pretrained(str(tmp_path / "a"))
    assert loaded.config == model.config
    assert not loaded.training
    assert {name: p.requires_grad for name, p in loaded.named_parameters()} == {
        name: p.requires_grad for name, p in model.named_parameters()
    }
    with torch.no_grad():
        for one, other in zip(loaded(pixels_of(2), tokens_of(4)), model(pixels_of(2), tokens_of(4)), strict=True):
            assert torch.equal(one, other)
    loaded.save_pretrained(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert set(contents(tmp_path / "a")) == {CONFIG, WEIGHTS}


def test_saving_leaves_other_files_and_replaces_its_own(folder):
    (folder / "tokenizer.json").write_text("{}")
    before = contents(folder)
    model_of(SHARED, seed=1).save_pretrained(folder)
    after = contents(folder)
    assert set(after) == set(before) == {CONFIG, WEIGHTS, "tokenizer.json"}
    assert after[WEIGHTS] != before[WEIGHTS]
    assert after["tokenizer.json"] == before["tokenizer.json"]


def test_a_failed_save_leaves_the_model_of_before(folder, monkeypatch):
    before = contents(folder)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ligature.encoders.contrastive.saving.save_file", fail)
    with pytest.raises(OSError, match="No space left"):
        model_of(TWO_TOWERS).save_pretrained(folder)
    assert contents(folder) == before


def test_weights_are_as_readable_as_the_config(folder):
    modes = {stat.S_IMODE(os.stat(folder / name).st_mode) for name in (CONFIG, WEIGHTS)}
    assert len(modes) == 1


def test_loading_draws_no_random_numbers(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ContrastiveModel.from_pretrained(folder)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert refused(folder) == f"{folder} has no {name}: train the model first, or correct the folder"


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe"])
def test_a_config_that_is_none_is_damaged(folder, content):
    (folder / CONFIG).write_bytes(content)
    with pytest.raises(DamagedError, match=CONFIG):
        ContrastiveModel.from_pretrained(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_weights_that_are_cut_off_are_damaged(folder, keep):
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DamagedError, match=WEIGHTS):
        ContrastiveModel.from_pretrained(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_an_impossible_scale_in_the_config_is_named(folder, value):
    change_config(folder, logit_scale=value)
    error = refused(folder)
    assert str(folder / CONFIG) in error
    assert "logit_scale" in error


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["logit_scale", "text.positions"])
def test_weights_that_are_not_finite_are_named(folder, name, value):
    weight = load_file(folder / WEIGHTS)[name]
    weight.view(-1)[-1] = value
    change_weights(folder, **{name: weight})
    assert refused(folder) == f"{folder / WEIGHTS}: {name} is not finite: train the model again"


def test_weights_of_another_vocabulary_are_told_with_both_shapes(folder):
    change_weights(folder, text__embedding__weight=torch.zeros(45, 16))
    error = refused(folder)
    assert str(folder / WEIGHTS) in error
    assert "text.embedding.weight has shape [45, 16], but config.json says [30, 16]" in error


def test_a_config_of_another_size_is_told_with_both_shapes(folder):
    change_config(folder, context_length=14)
    assert "text.positions has shape [12, 16], but config.json says [14, 16]" in refused(folder)


def test_a_config_of_a_huge_model_is_refused_before_memory_is_taken(folder):
    change_config(folder, vocabulary_size=1 << 24)
    assert "text.embedding.weight has shape [30, 16], but config.json says [16777216, 16]" in refused(folder)


def test_an_unknown_key_of_the_config_is_named(folder):
    change_config(folder, text_projection=True)
    assert refused(folder).startswith(f"{folder / CONFIG}: unknown key 'text_projection'; known: image_size")


def test_a_missing_and_an_unknown_tensor_are_named(folder):
    change_weights(folder, text__projection__weight=torch.zeros(10, 16))
    assert "has text.projection.weight, which config.json does not know" in refused(folder)
    change_weights(folder, image__norm__bias=None)
    assert "lacks image.norm.bias, which config.json asks for" in refused(folder)


def test_weights_of_another_sharing_are_refused(folder):
    change_config(folder, shared=["blocks", "norm"])
    assert "lacks text.projection.weight" in refused(folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.int64, torch.float64])
def test_weights_of_another_type_are_refused(folder, dtype):
    change_weights(folder, text__positions=load_file(folder / WEIGHTS)["text.positions"].to(dtype))
    assert f"text.positions is {dtype}, the model needs torch.float32" in refused(folder)
