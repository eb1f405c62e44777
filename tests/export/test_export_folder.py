"""What an exported folder holds, where its encoders come from, and what is refused when it is loaded."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import ARCHITECTURES, contents, minilm_params, picture
from tiny_pairs import CAPTIONS, make_study

from ligature.errors import DataError, EncoderError, LigatureError
from ligature.export import AlignedModel, PairConfig, export_pair, read_config
from ligature.export.config import MAX_BYTES
from ligature.projection import save_projector
from ligature.store.hashing import hash_files

COMMIT = "a" * 40
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


def test_the_folder_stands_alone(study, tmp_path):
    moved = shutil.copytree(study.model, tmp_path / "elsewhere")
    kinds = {path.suffix for path in moved.rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".json", ".txt", ".md"}
    assert str(study.results) not in "".join(path.read_text() for path in moved.glob("*.json"))
    assert AlignedModel.from_pretrained(moved).encode_text(CAPTIONS).shape == (6, 16)


def test_the_config_names_encoders_mode_and_temperature(study):
    config = read_config(study.model)
    assert (config.vision.source, config.text.source) == ("./encoders/vision", "./encoders/text")
    assert config.vision.revision == hash_files([study.model / "encoders" / "vision" / "model.safetensors"])
    assert config.origins["vision"].source == "vit"
    assert (config.mode, config.text.prompt, config.text.max_length) == ("pooled", "photo of ", 9)
    assert config.temperature == pytest.approx(0.07)
    assert config.logit_bias is None
    assert PairConfig.model_validate(config.model_dump()) == config


def test_the_same_study_gives_the_same_bytes(study):
    before = contents(study.model)
    export_pair(study, "vit", "bert")
    assert contents(study.model) == before


def test_a_pair_is_saved_elsewhere_and_onto_itself(model, tmp_path):
    pair = AlignedModel.from_pretrained(model)
    pair.save_pretrained(tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(model)
    pair.save_pretrained(model)
    assert contents(tmp_path / "copy") == contents(model)


def test_encoders_of_someone_else_are_not_overwritten(pair, tmp_path):
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="export into an empty folder"):
        pair.save_pretrained(tmp_path)
    assert (tmp_path / "encoders" / "mine.txt").read_text() == "mine"


def test_encoders_without_files_need_none(tmp_path):
    vision = {"name": "pixels", "loader": "pixels", "image_size": 8, "pooling": "cls"}
    text = {"name": "words", "loader": "bag-of-words", "dims": 24}
    layout = make_study(tmp_path, "pooled", "cls", widths=(192, 24), vision=vision, text=text)
    folder = export_pair(layout, "pixels", "words", inside=False)
    assert not (folder / "encoders").exists()
    model = AlignedModel.from_pretrained(folder)
    assert model.similarity([picture(0)], CAPTIONS).shape == (1, 6)
    assert model.to("cpu") is model


@pytest.fixture
def on_hub(tmp_path, monkeypatch):
    """A study whose vision encoder is on a Hub, which is a folder here; returns its layout and what was asked."""
    snapshot = ARCHITECTURES["vit"].saved(tmp_path / "cache" / COMMIT)
    asked = []

    def snapshot_download(name, revision=None, **_):
        asked.append((name, revision))
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    vision = {"name": "vit", "loader": "transformers", "source": "team/vit", "pooling": "cls+mean"}
    return make_study(tmp_path, vision=vision), asked


def test_an_encoder_on_the_hub_is_named_by_id_and_commit(on_hub):
    layout, asked = on_hub
    folder = export_pair(layout, "vit", "bert")
    config = read_config(folder)
    assert (config.vision.source, config.vision.revision) == ("team/vit", COMMIT)
    assert not (folder / "encoders" / "vision").exists()
    assert (folder / "encoders" / "text").is_dir()
    asked.clear()
    AlignedModel.from_pretrained(folder)
    assert asked == [("team/vit", COMMIT)]
    assert "base_model:\n- team/vit\n" in (folder / "README.md").read_text()


def test_an_encoder_on_the_hub_may_be_put_inside(on_hub):
    layout, asked = on_hub
    folder = export_pair(layout, "vit", "bert", inside=True)
    config = read_config(folder)
    assert config.vision.source == "./encoders/vision"
    assert config.origins["vision"].model_dump() == {"source": "team/vit", "revision": COMMIT}
    asked.clear()
    AlignedModel.from_pretrained(folder)
    assert asked == []


def test_what_is_not_on_the_hub_cannot_go_by_id(study):
    with pytest.raises(EncoderError, match="'vit': is not on the Hub, so its id cannot be given; leave out --by-id"):
        export_pair(study, "vit", "bert", inside=False)


def test_an_encoder_that_changed_since_the_training_is_refused(tmp_path):
    layout = make_study(tmp_path)
    weights = tmp_path / "vit" / "model.safetensors"
    save_file({name: value + 1 for name, value in load_file(weights).items()}, weights, metadata={"format": "pt"})
    with pytest.raises(EncoderError, match="the projector was trained on sha256:"):
        export_pair(layout, "vit", "bert")


def test_a_study_must_be_trained_and_evaluated(tmp_path):
    layout = make_study(tmp_path)
    results = layout.evaluation / "results.csv"
    text = results.read_text()
    results.unlink()
    with pytest.raises(DataError, match="run `ligature evaluate` first"):
        export_pair(layout, "vit", "bert")
    results.write_text("task,value\nretrieval,1\n")
    with pytest.raises(DataError, match="column 'dataset' is missing"):
        export_pair(layout, "vit", "bert")
    results.write_text(text)
    (layout.train / "projector.safetensors").unlink()
    with pytest.raises(DataError, match="train the projector first"):
        export_pair(layout, "vit", "bert")


def test_a_model_of_the_hub_is_fetched_without_code_and_pickles(study, monkeypatch):
    asked = {}

    def snapshot_download(name, **keywords):
        asked.update(keywords, name=name)
        return str(study.model)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    AlignedModel.from_pretrained("team/pair", revision="v1")
    assert (asked["name"], asked["revision"]) == ("team/pair", "v1")
    assert not {"*.py", "*.bin", "*.pt", "*"} & set(asked["allow_patterns"])


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
    assert "projector.safetensors and projector.json do not fit" in refusal(model, DataError)


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


@pytest.mark.slow
def test_a_real_sentence_encoder_goes_inside_and_says_the_same(tmp_path):
    layout = make_study(tmp_path, widths=(32, 384), text=minilm_params().model_dump(exclude_none=True))
    model = AlignedModel.from_pretrained(export_pair(layout, "vit", "minilm"))
    from ligature.encoders import load_text_encoder

    pooled = load_text_encoder(minilm_params(), layout).forward(CAPTIONS).pooled
    with torch.no_grad():
        expected = model.projector.encode_text(pooled).numpy()
    np.testing.assert_allclose(model.encode_text(CAPTIONS), expected, atol=1e-5)
