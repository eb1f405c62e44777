"""Models on disk: the same captions after loading, the same bytes, and one line for every file that does not fit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import contents, picture
from tiny_vlm import tiny_features, tiny_vlm

from ligature.captioning.captioner import caption_images
from ligature.captioning.folder import read_folder, write_folder
from ligature.captioning.generation import GenerationSettings, generate_captions
from ligature.captioning.language import LoraSettings, embedding_table, head_weights
from ligature.captioning.model import VisionLanguageModel
from ligature.errors import DamagedError, DataError, EncoderError, LigatureError
from ligature.store.damage import read_sealed, write_sealed
from ligature.store.hashing import hash_files

SETTINGS = GenerationSettings(max_new_tokens=8)
KINDS = {
    "align": {"pruned": 40, "bias": True, "factor": 2},
    "linear": {},
    "mlp": {"hidden": 24},
    "pixel-shuffle": {},
    "perceiver": {"queries": 3, "heads": 4},
    "visual-table": {"table": 50},
    "h-reducer": {},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_vlm(folder / "encoders").save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pruned")
    tiny_vlm(folder / "encoders", connector={"pruned": 40}).save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "model"))


def captions(model) -> list:
    images = [picture(row, size) for row, size in enumerate([(40, 40), (90, 30)])]
    return caption_images(model, images, SETTINGS)


def refused(folder: Path, kind: type[LigatureError]) -> str:
    with pytest.raises(kind) as error:
        VisionLanguageModel.from_pretrained(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
    return str(error.value)


def change_config(folder: Path, **changes: object) -> None:
    """Changes the config as one who knows of its seal would."""
    write_sealed(folder / "config.json", read_sealed(folder / "config.json") | changes)


def change_file(folder: Path, name: str) -> None:
    """Takes a changed file into the config, as if it had been saved so."""
    files = read_sealed(folder / "config.json")["files"]
    change_config(folder, files=files | {name: hash_files([folder / name])})


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_of_every_connector_says_the_same_and_saves_the_same_bytes(kind, tmp_path):
    model = tiny_vlm(tmp_path / "encoders", kind=kind, connector=KINDS[kind], tiles=4, context_length=256)
    model.save_pretrained(tmp_path / "a")
    shutil.rmtree(tmp_path / "encoders")
    loaded = VisionLanguageModel.from_pretrained(str(tmp_path / "a"))
    assert loaded.config == model.config
    assert not loaded.training
    assert loaded.count_parameters() == 0
    assert loaded.count_parameters(trainable=False) == model.count_parameters(trainable=False)
    assert captions(loaded) == captions(model)
    for (name, one), (other, two) in zip(
        model.connector.state_dict().items(), loaded.connector.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(one, two)
    loaded.save_pretrained(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_folder_holds_safetensors_and_text_alone(saved):
    suffixes = {path.suffix for path in saved.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}
    assert {path.name for path in saved.iterdir()} == {"config.json", "connector.safetensors", "vision", "language"}
    assert len({path.stat().st_mode for path in saved.rglob("*") if path.is_file()}) == 1


@pytest.mark.parametrize(
    ("tied", "whole"),
    [
        (True, ("embed_tokens",)),
        (False, ("lm_head", "norm")),
        *(pytest.param(tied, (), marks=pytest.mark.slow) for tied in (True, False)),
    ],
)
def test_trained_adapters_are_merged(tmp_path, tied, whole):
    settings = LoraSettings(rank=4, targets=("q_proj", "down_proj"), whole=whole)
    language = {"chat": True, "vocabulary": 340, "tied": tied}
    model = tiny_vlm(tmp_path / "encoders", lora=settings, language=language, prompts=("describe",))
    model.set_trained(["language"])
    with torch.no_grad():
        for parameter in model.language.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    before = captions(model)
    model.save_pretrained(tmp_path / "model")
    loaded = VisionLanguageModel.from_pretrained(tmp_path / "model")
    assert not hasattr(loaded.language, "peft_config")
    assert (head_weights(loaded.language) is embedding_table(loaded.language)) == tied
    assert captions(loaded) == before == captions(model)
    assert loaded.tokenizer.chat_template == model.tokenizer.chat_template


def test_a_model_that_was_trained_tied_stays_tied(tmp_path):
    model = tiny_vlm(tmp_path / "encoders")
    model.set_trained(["vision", "connector", "language"])
    features = tiny_features(model, [(0, 0)])
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.01
    model.save_pretrained(tmp_path / "model")
    loaded = VisionLanguageModel.from_pretrained(tmp_path / "model")
    assert head_weights(loaded.language) is embedding_table(loaded.language)
    assert torch.equal(embedding_table(loaded.language), embedding_table(model.language))
    assert captions(loaded) == captions(model)
    model.set_trained(())
    assert generate_captions(loaded, features, [(0, 0)], SETTINGS) == generate_captions(
        model, features, [(0, 0)], SETTINGS
    )


def test_a_model_is_loaded_in_another_type(saved):
    model = VisionLanguageModel.from_pretrained(saved, dtype=torch.bfloat16)
    assert {p.dtype for p in model.language.parameters()} == {p.dtype for p in model.connector.parameters()}
    assert embedding_table(model.language).dtype == torch.bfloat16
    assert [caption.tokens for caption in captions(model)] == [8, 8]


def test_the_functions_behind_read_what_they_wrote(folder, tmp_path):
    parts = read_folder(folder, "cpu", torch.float32)
    write_folder(*parts, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(folder)


def test_a_failed_save_leaves_the_model_of_before(folder, monkeypatch):
    model = VisionLanguageModel.from_pretrained(folder)
    before = contents(folder)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ligature.captioning.folder.save_file", fail)
    with pytest.raises(OSError, match=r"No space left"):
        model.save_pretrained(folder)
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_saving_again_replaces_the_model(folder):
    model = VisionLanguageModel.from_pretrained(folder)
    with torch.no_grad():
        model.connector.map.weight.zero_()
    (folder / "vision" / "stray.json").write_text("{}")
    model.save_pretrained(folder)
    assert not (folder / "vision" / "stray.json").exists()
    assert VisionLanguageModel.from_pretrained(folder).connector.map.weight.abs().sum() == 0


@pytest.mark.parametrize("what", ["notes", "config", "file"])
def test_a_folder_of_anothers_is_never_replaced(folder, tmp_path, what):
    model, target = VisionLanguageModel.from_pretrained(folder), tmp_path / "thesis"
    if what == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / ("config.json" if what == "config" else "notes.txt")).write_text("{}")
    with pytest.raises(DataError, match="holds something else than a captioning model; save into a new folder"):
        model.save_pretrained(target)
    assert target.exists()
    assert [path.read_text() in ("mine", "{}") for path in (target.iterdir() if target.is_dir() else [target])] == [
        True
    ]


def test_an_empty_folder_may_be_saved_into(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    VisionLanguageModel.from_pretrained(folder).save_pretrained(tmp_path / "empty")
    assert contents(tmp_path / "empty") == contents(folder)


@pytest.mark.parametrize(
    "name", ["connector.safetensors", "language/model.safetensors", "vision/tower.json", "language/tokenizer.json"]
)
def test_a_file_that_is_damaged_or_missing_is_named(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-7] + b"damaged")
    assert f"{folder / name}: damaged" in refused(folder, DamagedError)
    (folder / name).unlink()
    assert f"{folder / name}: damaged (it is missing)" in refused(folder, DamagedError)


def test_a_config_that_was_tampered_with_is_damaged(folder):
    values = json.loads((folder / "config.json").read_text())
    values["chat"]["tiles"] = 3
    (folder / "config.json").write_text(json.dumps(values))
    assert "its values are not those of its seal" in refused(folder, DamagedError)
    (folder / "config.json").write_text("{")
    assert "config.json: damaged" in refused(folder, DamagedError)


def test_foreign_folders_are_named(folder, tmp_path):
    assert "has no config.json: it holds no captioning model" in refused(tmp_path / "nowhere", EncoderError)
    assert "is not of a captioning model" in refused(folder / "language", EncoderError)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chat": {"tiles": -1}}, "tiles is -1"),
        ({"chat": {"best": 1}}, "unknown key 'best'"),
        ({"connector": 3}, "connector is 3; use an object"),
        ({"connector": {"kind": "align"}}, "is missing"),
        ({"files": None}, "does not name its files"),
        ({"files": {"../../etc/passwd": "sha256:0"}}, "does not name its files"),
        ({"files": {"/dev/zero": "sha256:0"}}, "does not name its files"),
    ],
)
def test_configs_of_no_possible_model_are_refused(folder, changes, message):
    change_config(folder, **changes)
    assert message in refused(folder, EncoderError)


def test_a_connector_of_another_model_is_refused(folder):
    weights = load_file(folder / "connector.safetensors")
    save_file({**weights, "map.weight": weights["map.weight"][:-1].clone()}, folder / "connector.safetensors")
    change_file(folder, "connector.safetensors")
    assert "map.weight has shape [31, 32], but config.json says [32, 32]" in refused(folder, EncoderError)
    save_file({name: w for name, w in weights.items() if name != "map.weight"}, folder / "connector.safetensors")
    change_file(folder, "connector.safetensors")
    assert "map.weight has shape none, but config.json says [32, 32]" in refused(folder, EncoderError)


def test_a_connector_that_is_not_finite_is_refused(folder):
    weights = load_file(folder / "connector.safetensors")
    weights["map.weight"][0, 0] = float("nan")
    save_file(weights, folder / "connector.safetensors")
    change_file(folder, "connector.safetensors")
    assert "map.weight is not finite" in refused(folder, EncoderError)


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("map.weight", lambda w: w.long(), "map.weight is of type torch.int64, not of torch.float32"),
        ("kept", lambda w: w.float(), "kept is of type torch.float32, not of torch.int64"),
        ("kept", lambda w: w + 10**6, "the tokens kept are not ascending ids below"),
        ("kept", lambda w: w.flip(0), "the tokens kept are not ascending ids below"),
        ("kept", lambda w: w - 1, "the tokens kept are not ascending ids below"),
    ],
)
def test_a_connector_whose_tensors_no_training_wrote_is_refused(pruned, tmp_path, name, changed, message):
    folder = Path(shutil.copytree(pruned, tmp_path / "model"))
    weights = load_file(folder / "connector.safetensors")
    save_file(weights | {name: changed(weights[name]).contiguous()}, folder / "connector.safetensors")
    change_file(folder, "connector.safetensors")
    assert message in refused(folder, EncoderError)


def test_a_connector_far_larger_than_its_file_takes_no_memory(folder):
    values = read_sealed(folder / "config.json")
    change_config(folder, connector=values["connector"] | {"vocabulary": 1 << 40})
    assert "to_vocabulary has shape" in refused(folder, EncoderError)


def test_a_pickle_in_place_of_weights_is_not_read(folder):
    for path in (folder / "language").glob("*.safetensors"):
        torch.save({"harm": 1}, path.with_name("pytorch_model.bin"))
        path.unlink()
    files = read_sealed(folder / "config.json")["files"]
    change_config(folder, files={name: value for name, value in files.items() if name != "language/model.safetensors"})
    assert "safetensors" in refused(folder, EncoderError)


def test_what_a_workflow_leaves_of_a_failed_job_is_written_over(folder, tmp_path):
    model, target = VisionLanguageModel.from_pretrained(folder), tmp_path / "model"
    model.save_pretrained(target)
    (target / "config.json").unlink()
    (target / "connector.safetensors").unlink()
    model.save_pretrained(target)
    assert VisionLanguageModel.from_pretrained(target).config == model.config
