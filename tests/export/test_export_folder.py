"""What an exported folder holds, and where its encoders come from."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import ARCHITECTURES, contents, minilm_params, picture
from tiny_pairs import CAPTIONS, make_study

from ligature.errors import DataError, EncoderError
from ligature.export import AlignedModel, PairConfig, export_pair, read_config
from ligature.export.model import CHANGED
from ligature.export.sentence import AlignedModule
from ligature.store.hashing import hash_files

COMMIT = "a" * 40


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


def test_a_changed_projector_is_saved_as_it_is_and_the_card_says_so(model, tmp_path):
    pair = AlignedModel.from_pretrained(model)
    assert not pair.changed
    with torch.no_grad():
        pair.projector.logit_scale += 0.5
    pair.save_pretrained(tmp_path / "changed")
    again = AlignedModel.from_pretrained(tmp_path / "changed")
    assert again.config.temperature == pytest.approx(0.07 * np.exp(-0.5))
    card = (tmp_path / "changed" / "README.md").read_text()
    assert card.count("The projector was changed after this card was written") == 1
    assert CHANGED not in (model / "README.md").read_text()


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


def test_an_encoder_used_in_another_way_since_the_training_is_refused(tmp_path):
    layout = make_study(tmp_path)
    card = json.loads((layout.train / "projector.json").read_text())
    card["provenance"]["encoders"]["text"]["prompt"] = "drawing of "
    del card["seal"]
    (layout.train / "projector.json").write_text(json.dumps(card))
    with pytest.raises(EncoderError, match="'bert': prompt is 'photo of ', the projector was trained with 'drawing"):
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
    AlignedModule.load("team/pair", revision="v1", token="t", cache_folder="c", local_files_only=True)
    assert (asked["token"], asked["cache_dir"], asked["local_files_only"]) == ("t", "c", True)
    assert (asked["name"], asked["revision"]) == ("team/pair", "v1")
    assert not {"*.py", "*.bin", "*.pt", "*"} & set(asked["allow_patterns"])


@pytest.mark.slow
def test_a_real_sentence_encoder_goes_inside_and_says_the_same(tmp_path):
    layout = make_study(tmp_path, widths=(32, 384), text=minilm_params().model_dump(exclude_none=True))
    model = AlignedModel.from_pretrained(export_pair(layout, "vit", "minilm"))
    from ligature.encoders import load_text_encoder

    pooled = load_text_encoder(minilm_params(), layout).forward(CAPTIONS).pooled
    with torch.no_grad():
        expected = model.projector.encode_text(pooled).numpy()
    np.testing.assert_allclose(model.encode_text(CAPTIONS), expected, atol=1e-5)
