"""Folders of strangers, and broken ones: each is refused in one line, and nothing of theirs runs."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ligature.errors import DataError, EncoderError, LigatureError
from ligature.export import AlignedModel
from ligature.export.config import MAX_BYTES
from ligature.projection import save_projector
from ligature.store.hashing import hash_files

RECIPE = {"architecture": "vit", "objective": "none"}


def refusal(folder, kind=LigatureError):
    """Returns the one line with which a folder is refused."""
    with pytest.raises(kind) as caught:
        AlignedModel.from_pretrained(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(folder: Path, **values) -> None:
    path = folder / "ligature.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_side(folder: Path, side: str, **values) -> None:
    change(folder, **{side: json.loads((folder / "ligature.json").read_text())[side] | values})


def test_a_model_that_is_nowhere_is_one_line(tmp_path, monkeypatch):
    assert "no such folder" in refusal(tmp_path / "none")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "neither a folder, nor to be had from the Hub" in refusal("team/nothing-of-this-name")
    (tmp_path / "empty").mkdir()
    assert "ligature.json: missing" in refusal(tmp_path / "empty")


@pytest.mark.parametrize(
    "source", ["/etc", "../vit", "./../../vit", "./encoders/../../x", "~/x", "${HOME}/x", "{world}"]
)
@pytest.mark.parametrize("side", ["vision", "text"])
def test_a_path_that_leaves_the_folder_is_refused(model, side, source):
    change_side(model, side, source=source)
    assert "leaves the folder" in (line := refusal(model, DataError)) or "neither a Hub id nor a folder inside" in line


def test_a_link_that_leaves_the_folder_is_refused(model, tmp_path):
    shutil.move(model / "encoders" / "vision", tmp_path / "outside")
    (model / "encoders" / "vision").symlink_to(tmp_path / "outside")
    assert "leaves the folder" in refusal(model, DataError)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "own.py", "weights.pkl", "1_Dense/model.pt"])
def test_a_file_of_another_kind_is_refused(model, name):
    path = model / "encoders" / "text" / name
    path.parent.mkdir(exist_ok=True)
    torch.save({}, path)
    assert "neither safetensors, json nor a vocabulary" in refusal(model, DataError)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": 2}, "format: "),
        ({"mode": "other"}, "mode: "),
        ({"temperature": 0}, "temperature: "),
        ({"more": 1}, "more: "),
        ({"vision": {"name": "../../x", "loader": "pixels"}}, "vision.name: "),
        (
            {"vision": {"name": "x", "loader": "transformers", "recipe": {"architecture": "vit", "objective": "none"}}},
            "rec",
        ),
    ],
)
def test_a_wrong_config_is_one_line_with_its_key(model, values, words):
    change(model, **values)
    assert words in refusal(model, DataError)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, " " * (MAX_BYTES + 1), "null"])
def test_a_config_that_is_none_is_one_line(model, text):
    (model / "ligature.json").write_text(text)
    assert "ligature.json" in refusal(model, DataError)


def test_a_projector_that_is_missing_or_changed_is_one_line(model):
    weights = model / "projector.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "fetch or export the model again" in refusal(model, DataError)
    weights.unlink()
    assert "projector.safetensors: missing" in refusal(model, DataError)


OTHER_CONFIGS = [
    ("embed_dim", 8),
    ("embed_dim", 10**7),
    ("text_dim", 10**30),
    ("vision_cls", "none"),
    ("vision_cls", "lstm"),
    ("text_dim", "many"),
    ("unknown", 1),
]


@pytest.mark.parametrize(("key", "value"), OTHER_CONFIGS)
def test_a_projector_of_another_config_is_refused_before_memory_is_taken(model, key, value):
    card = json.loads((model / "projector.json").read_text())
    card["config"][key] = value
    (model / "projector.json").write_text(json.dumps(card))
    assert refusal(model)


@pytest.mark.parametrize("text", ["[]", "null", "{", '{"config": 3}', "[" * 100_000])
def test_a_projector_config_that_is_none_is_one_line(model, text):
    (model / "projector.json").write_text(text)
    assert "projector" in refusal(model)


def test_weights_that_are_no_safetensors_are_one_line(model):
    (model / "projector.safetensors").write_bytes(b"\x80\x04pickle")
    change(model, projector=hash_files([model / "projector.safetensors"]))
    assert "projector.safetensors: damaged (its SHA-256 is not the one" in refusal(model, DataError)


def test_an_encoder_of_other_weights_is_refused(model):
    weights = model / "encoders" / "vision" / "model.safetensors"
    save_file({name: value + 1 for name, value in load_file(weights).items()}, weights, metadata={"format": "pt"})
    assert "the study pins sha256:" in refusal(model, EncoderError)
    weights.unlink()
    assert "lacks config.json or *.safetensors" in refusal(model, EncoderError)


def test_a_write_that_was_killed_leaves_no_model_that_loads(model):
    pair = AlignedModel.from_pretrained(model)
    with torch.no_grad():
        pair.projector.logit_scale += 1
    save_projector(pair.projector, model)
    assert "fetch or export the model again" in refusal(model, DataError)
