import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from tiny_study import projection_values

from ligature.cli import data
from ligature.cli.segment import Segmenter, segment
from ligature.data.scenes.files import write_jpeg, write_mask
from ligature.encoders import find_encoder, load_vision_encoder
from ligature.errors import DataError, EncoderError, ParamsError
from ligature.params import parse_study
from ligature.projection import Projector, ProjectorConfig, save_projector
from ligature.store import Layout
from ligature.store.atomic import write_json

PAIR = ("resnet-untrained", "bag-of-words")
COLOURS = {"red": (220, 20, 30), "blue": (20, 40, 220)}
SETTINGS = {"datasets": ["shapes"], "image_size": 64, "window": 32, "stride": 16, "overlays": 2}


def write_set(root):
    """Three pictures, a red and a blue half each, with a border of void between, and a grey background above."""
    for number in range(3):
        picture = np.full((48, 64, 3), 128, np.uint8)
        mask = np.zeros((48, 64), np.uint8)
        for index, colour in enumerate(COLOURS.values()):
            columns = slice(32 * index, 32 * index + 32)
            picture[12:, columns], mask[12:, columns] = colour, index + 1
        mask[12:, 30:34] = 255
        write_jpeg(root / f"JPEGImages/{number}.jpg", picture)
        write_mask(root / f"SegmentationClass/{number}.png", mask)
    (root / "ImageSets/Segmentation/val.txt").write_text("0\n1\n2\n")
    (root / "classes.txt").write_text("background\nred\nblue\n")


def study_values(**settings):
    values = projection_values()
    recipe = {"architecture": "resnet", "objective": "none"}
    resnet = {"name": PAIR[0], "loader": "transformers", "recipe": recipe, "image_size": 32, "pooling": "mean"}
    values["encoders"]["vision"].append(resnet)
    values["datasets"]["shapes"] = {"format": "voc", "root": "{world}/voc", "classes": "{world}/voc/classes.txt"}
    values["evaluate"]["segmentation"] = SETTINGS | settings
    return values


def write_study(folder, values):
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    return layout, {"params": file, "results": layout.results}


def write_projector(layout, vision_dim, **blocks):
    torch.manual_seed(0)
    blocks = {
        "vision_local": "linear",
        "vision_cls": "none",
        "text_local": "identity",
        "text_global": "linear",
    } | blocks
    save_projector(Projector(ProjectorConfig(vision_dim, 128, 16, **blocks)), layout.train)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A study with an untrained encoder, an untrained projector and a set of masks; nothing is segmented yet."""
    folder = tmp_path_factory.mktemp("segment")
    layout, where = write_study(folder, study_values())
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (layout.world / "voc" / name).mkdir(parents=True)
    write_set(layout.world / "voc")
    data.encoder(PAIR[0], **where)
    width = json.loads((layout.encoder(PAIR[0]) / "config.json").read_text())["hidden_sizes"][-1]
    write_projector(layout, width)
    write_json(layout.pairs / "chosen.json", {"vision": PAIR[0], "text": PAIR[1]})
    return folder, width


@pytest.fixture
def study(ready, tmp_path):
    """A copy of that study with other settings."""

    def make(**settings):
        shutil.copytree(ready[0], tmp_path, dirs_exist_ok=True)
        return write_study(tmp_path, study_values(**settings))

    return make


def test_both_protocols_stand_beside_predictions_that_look_at_nothing(study):
    layout, where = study()
    segment(**where)
    table = pd.read_csv(layout.segmentation / "results.csv")
    assert set(table["task"]) == {"segmentation"}
    assert set(table["n"]) == {3}
    values = {(row.model, row.protocol.partition(":")[0], row.metric): row.value for row in table.itertuples()}
    own = " + ".join(PAIR)
    assert set(values) == {
        *((model, "published", metric) for model in (own, "everything") for metric in ("iou", "iou_per_class")),
        *((model, "standard", metric) for model in (own, "majority") for metric in ("miou", "pixel_accuracy")),
    }
    assert all(0 <= value <= 1 for value in values.values())
    assert all("windows of 32 px every 16 on a shorter side of 64" in protocol for protocol in table["protocol"])


def test_baselines_are_the_shares_of_the_masks(study):
    layout, where = study()
    segment(**where)
    table = pd.read_csv(layout.segmentation / "results.csv").set_index(["model", "metric"])["value"]
    pixels = {"background": 12 * 64, "void": 36 * 4, "red": 36 * 30}
    with_void = [pixels["background"] + pixels["void"], pixels["red"], pixels["red"]]
    assert table["everything", "iou"] == pytest.approx(np.mean(with_void) / (48 * 64))
    known = 48 * 64 - pixels["void"]
    assert table["majority", "pixel_accuracy"] == pytest.approx(pixels["red"] / known)
    assert table["majority", "miou"] == pytest.approx(pixels["red"] / known / 3)
    classes = pd.read_csv(layout.segmentation / "classes.csv")
    assert classes["class"].to_list() == ["background", "red", "blue"]
    assert classes["images"].to_list() == [3, 3, 3]
    assert classes["pixel_share"].sum() == pytest.approx(1)


def test_the_page_gets_pictures_and_what_is_on_them(study):
    layout, where = study()
    segment(**where)
    index = json.loads((layout.segmentation / "overlays.json").read_text())
    assert [entry["id"] for entry in index] == ["0", "2"]
    assert index[0]["classes"] == ["background", "red", "blue"]
    assert index[0]["colours"]["red"] == "#800000"
    assert set(index[0]["predicted"]) <= set(index[0]["colours"])
    for entry in index:
        with Image.open(layout.segmentation / entry["file"]) as picture:
            assert picture.width > 3 * picture.height
    assert len(list((layout.segmentation / "overlays").iterdir())) == 2


def test_the_same_study_gives_the_same_bytes_and_old_pictures_go(study):
    layout, where = study()
    segment(**where)
    first = {path: path.read_bytes() for path in layout.segmentation.rglob("*") if path.is_file()}
    (layout.segmentation / "overlays/old-00000.png").write_bytes(b"old")
    segment(**where)
    assert {path: path.read_bytes() for path in layout.segmentation.rglob("*") if path.is_file()} == first


def test_patches_are_those_of_the_encoder_at_the_size_of_a_window(study):
    layout, _ = study(window=64)
    segmenter = Segmenter.load(layout, "cpu", "float32")
    assert segmenter.patches_of(torch.zeros(2, 3, 64, 64)).shape == (2, 16, 16)
    grey = Image.new("RGB", (64, 64), (200, 200, 200))
    pixels = load_vision_encoder(find_encoder(layout, PAIR[0]), layout).preprocess(grey)
    assert segmenter.table[:, 200] == pytest.approx(pixels.mean(dim=(1, 2)).numpy(), abs=1e-6)


def test_a_vision_transformer_takes_windows_of_another_size_than_its_own(study):
    layout, where = study(window=48)
    data.encoder("vit-untrained", **where)
    write_json(layout.pairs / "chosen.json", {"vision": "vit-untrained", "text": PAIR[1]})
    config = json.loads((layout.encoder("vit-untrained") / "config.json").read_text())
    write_projector(layout, config["hidden_size"])
    side = 48 // config["patch_size"]
    patches = Segmenter.load(layout, "cpu", "float32").patches_of(torch.zeros(1, 3, 48, 48))
    assert patches.shape == (1, side * side, 16)


def test_templates_and_names_of_the_background_change_the_standard_protocol_alone(study):
    layout, where = study()
    segment(**where)
    first = pd.read_csv(layout.segmentation / "results.csv")
    layout, where = study(background=["background", "grey", "plain grey"])
    segment(**where)
    second = pd.read_csv(layout.segmentation / "results.csv")
    same = first["value"] == second["value"]
    assert same[first["protocol"].str.startswith("published")].all()
    assert not same[(first["model"] == " + ".join(PAIR)) & (first["metric"] == "pixel_accuracy")].any()


def test_a_study_without_segmentation_says_so(study):
    values = study_values()
    values["evaluate"]["segmentation"] = None
    layout, _ = study()
    _, where = write_study(layout.results.parent, values)
    with pytest.raises(ParamsError, match=r"^evaluate.segmentation is null"):
        segment(**where)


def test_a_projector_without_a_branch_for_patches_is_one_line(study, ready):
    layout, where = study()
    write_projector(layout, ready[1], vision_local="none", vision_cls="linear")
    with pytest.raises(DataError, match="no vision_local branch"):
        segment(**where)


def test_an_encoder_without_patches_is_one_line(study):
    layout, where = study()
    write_json(layout.pairs / "chosen.json", {"vision": "pixels", "text": PAIR[1]})
    with pytest.raises(EncoderError, match="'pixels' has no patch tokens"):
        segment(**where)


def test_a_text_encoder_without_tokens_is_one_line_in_token_mode(study):
    values = study_values()
    values["train"]["mode"] = "tokens"
    layout, _ = study()
    _, where = write_study(layout.results.parent, values)
    with pytest.raises(EncoderError, match="'bag-of-words' has no token states"):
        segment(**where)
