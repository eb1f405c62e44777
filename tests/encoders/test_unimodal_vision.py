import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ligature.encoders.unimodal import ResNetSize, VitSize, train_vision_encoder, vision
from ligature.encoders.unimodal.images import decode_images, pixel_values
from ligature.errors import DataError
from ligature.params.encoders import VisionRecipe

TINY = {"vit": VitSize(8, 16, 1, 2, 2), "resnet": ResNetSize(8, (16, 24), (1, 1))}
OBJECTIVES = ["none", "self-supervised", "supervised"]
FILES = ["config.json", "history.csv", "model.safetensors", "preprocessor_config.json", "sums.json"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    for row in range(12):
        image = Image.new("RGB", (20, 20), "white")
        image.paste(["red", "lime", "blue"][row % 3], (row, row // 2, row + 7, row // 2 + 7))
        image.save(folder / f"{row:02d}.png")
    return sorted(folder.iterdir())


def make(folder, paths, architecture="resnet", objective="supervised", **changes):
    trained = {} if objective == "none" else {"dataset": "squares", "epochs": 2, "batch_size": 6}
    recipe = VisionRecipe(architecture=architecture, objective=objective, **(trained | changes.pop("recipe", {})))
    arguments = {
        "image_size": 16,
        "paths": [] if objective == "none" else paths,
        "labels": [row % 3 for row in range(12)] if objective == "supervised" else None,
        "name": "tiny",
        "size": TINY[architecture],
    }
    train_vision_encoder(recipe, folder, **(arguments | changes))
    return folder


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_folder_loads_with_the_auto_classes(tmp_path, paths, architecture, objective):
    from transformers import AutoImageProcessor, AutoModel

    folder = make(tmp_path / "model", paths, architecture, objective)
    assert sorted(file.name for file in folder.iterdir()) == FILES
    model, loading = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert type(model).__name__ == {"vit": "Dinov2Model", "resnet": "ResNetModel"}[architecture]
    assert not any(loading.values()), "a head in the weights, or weights missing"
    pixels = AutoImageProcessor.from_pretrained(folder)(Image.open(paths[0]), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(pixels, pixel_values(decode_images(paths[:1], 16)))
    assert torch.isfinite(model.eval()(pixel_values=pixels).last_hidden_state).all()


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_same_arguments_same_bytes(tmp_path, paths, architecture, objective):
    torch.manual_seed(1)
    first = make(tmp_path / "a", paths, architecture, objective)
    torch.manual_seed(2)
    second = make(tmp_path / "b", paths, architecture, objective)
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_another_seed_other_weights(tmp_path, paths):
    first = load_file(make(tmp_path / "a", paths) / "model.safetensors")
    second = load_file(make(tmp_path / "b", paths, recipe={"seed": 1}) / "model.safetensors")
    name = "encoder.stages.0.layers.0.layer.0.convolution.weight"
    assert not torch.equal(first[name], second[name])


def test_the_generator_of_the_caller_is_left_alone(tmp_path, paths):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make(tmp_path / "a", paths)
    assert torch.equal(torch.rand(3), expected)


def test_training_changes_the_weights_of_the_same_start(tmp_path, paths):
    start = load_file(make(tmp_path / "a", [], objective="none") / "model.safetensors")
    trained = load_file(make(tmp_path / "b", paths) / "model.safetensors")
    assert start.keys() == trained.keys()
    learnt = [name for name in start if name.endswith("weight")]
    assert all(not torch.equal(start[name], trained[name]) for name in learnt)


def test_history_has_a_row_an_epoch_and_accuracy_only_with_labels(tmp_path, paths):
    supervised = pd.read_csv(make(tmp_path / "a", paths) / "history.csv")
    assert supervised.columns.tolist() == ["epoch", "loss", "accuracy"]
    assert supervised["epoch"].tolist() == [1, 2]
    own = pd.read_csv(make(tmp_path / "b", paths, objective="self-supervised") / "history.csv")
    assert own.columns.tolist() == ["epoch", "loss"]
    none = pd.read_csv(make(tmp_path / "c", paths, objective="none") / "history.csv")
    assert none.columns.tolist() == ["epoch", "loss"]
    assert none.empty


def test_weights_can_be_read_by_whoever_reads_the_config(tmp_path, paths):
    folder = make(tmp_path / "a", paths, objective="none")
    modes = {(folder / name).stat().st_mode for name in ("config.json", "model.safetensors")}
    assert len(modes) == 1


@pytest.mark.parametrize("objective", ["self-supervised", "supervised"])
def test_no_images_is_an_error_that_names_the_data_set(tmp_path, objective):
    with pytest.raises(DataError, match=r"tiny: 0 images to train on; dataset 'squares'"):
        make(tmp_path / "a", [], objective=objective, labels=[])
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("labels", "found"), [(None, "no labels"), ([1, 2], "2 labels")])
def test_missing_labels_are_an_error(tmp_path, paths, labels, found):
    with pytest.raises(DataError, match=f"a label for each of 12 images; dataset 'squares' has {found}"):
        make(tmp_path / "a", paths, labels=labels)


def test_a_broken_image_leaves_nothing_behind(tmp_path, paths):
    (tmp_path / "broken.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"broken\.png"):
        make(tmp_path / "a", [*paths[1:], tmp_path / "broken.png"])
    assert [file.name for file in tmp_path.iterdir()] == ["broken.png"]


def test_a_failure_while_writing_leaves_no_folder_that_looks_complete(tmp_path, paths, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(vision, "write_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        make(tmp_path / "a", paths)
    assert list(tmp_path.iterdir()) == []


def test_an_older_model_is_replaced(tmp_path, paths):
    make(tmp_path / "a", paths, objective="none")
    fresh = make(tmp_path / "b", paths, "vit")
    make(tmp_path / "a", paths, "vit")
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (fresh / name).read_bytes()
