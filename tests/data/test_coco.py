import json

import pytest
from dataset_files import coco_values, the_line, write_coco

from ligature.data import read_coco
from ligature.errors import DataError

IMAGES = [(7, "seven.jpg"), (3, "sub/three.jpg")]
CAPTIONS = [(12, 3, "a dog"), (10, 7, "a cat"), (11, 3, " two\n dogs ")]


def refusal(folder, values):
    path = folder / "captions.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    line = the_line(read_coco, folder / "images", path, error=DataError)
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


def test_images_keep_their_order_and_captions_follow_them_by_number(tmp_path):
    dataset = read_coco(tmp_path / "images", write_coco(tmp_path, IMAGES, CAPTIONS), name="toy", split="train")
    assert (dataset.name, dataset.split, dataset.class_names) == ("toy", "train", None)
    assert dataset.images.to_dict("list") == {
        "id": ["7", "3"],
        "path": [str(tmp_path / "images/seven.jpg"), str(tmp_path / "images/sub/three.jpg")],
    }
    assert dataset.texts.to_dict("list") == {
        "id": ["7#0", "3#0", "3#1"],
        "image_id": ["7", "3", "3"],
        "text": ["a cat", "two dogs", "a dog"],
    }
    assert dataset.skipped_texts == []


def test_empty_captions_are_left_out_and_counted(tmp_path):
    captions = [(1, 7, ""), (2, 7, "a cat"), (3, 3, " \n"), (4, 7, None)]
    dataset = read_coco(tmp_path, write_coco(tmp_path, IMAGES, captions))
    assert dataset.texts["id"].to_list() == ["7#1"]
    assert dataset.images["id"].to_list() == ["7", "3"]
    assert dataset.skipped_texts == [{"id": name, "reason": "empty caption"} for name in ("7#0", "7#2", "3#0")]


def test_half_characters_become_question_marks_that_every_store_can_hold(tmp_path):
    dataset = read_coco(tmp_path, write_coco(tmp_path, IMAGES, [(1, 7, "a \ud83d cat \U0001f431")]))
    assert dataset.texts["text"][0] == "a ? cat \U0001f431"


def test_a_caption_of_an_unknown_image_is_one_line(tmp_path):
    line = refusal(tmp_path, coco_values(IMAGES, [*CAPTIONS, (13, 99, "a cow")]))
    assert line == "a caption names the unknown image id '99'; add the image or remove the caption"


def test_an_image_id_that_stands_twice_is_one_line(tmp_path):
    line = refusal(tmp_path, coco_values([*IMAGES, (7, "again.jpg")], CAPTIONS))
    assert line == "image id '7' stands twice; remove one of them"


@pytest.mark.parametrize("images", [IMAGES, []])
def test_a_file_without_captions_is_one_line(tmp_path, images):
    assert refusal(tmp_path, coco_values(images, [])) == "every caption is empty or there is none; check the file"


@pytest.mark.parametrize("name", ["../x.jpg", "a/../../x.jpg", "/etc/passwd", "a\0.jpg", "", "."])
def test_a_file_name_that_leaves_the_folder_is_one_line(tmp_path, name):
    line = refusal(tmp_path, coco_values([(7, name)], CAPTIONS))
    assert line == f"file name {name!r} leaves the folder {tmp_path / 'images'}; correct it"


@pytest.mark.parametrize("name", ["..x.jpg", "x..jpg", "a/.b/c.jpg"])
def test_dots_inside_a_name_are_fine(tmp_path, name):
    path = write_coco(tmp_path, [(7, name)], [(1, 7, "a cat")])
    assert read_coco(tmp_path, path).images["path"][0] == str(tmp_path / name)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{", "not valid json (Expecting"),
        ("", "not valid json (Expecting value: line 1 column 1"),
        ([], "not in COCO's captions layout: list indices"),
        ({"images": []}, "not in COCO's captions layout: the key 'annotations' is missing"),
        ({"images": [{"id": 1}], "annotations": []}, "not in COCO's captions layout: the key 'file_name' is missing"),
        ({"images": [1], "annotations": []}, "not in COCO's captions layout: "),
        ({"images": [{"id": 1, "file_name": None}], "annotations": []}, "not in COCO's captions layout: "),
        ({"images": [], "annotations": [{"id": 1, "image_id": 1}]}, "the key 'caption' is missing"),
        ({"images": [], "annotations": [{"image_id": 1, "caption": ""}]}, "the key 'id' is missing"),
    ],
)
def test_a_file_of_another_layout_is_one_line(tmp_path, values, expected):
    assert expected in refusal(tmp_path, values)


def test_a_missing_file_is_one_line(tmp_path):
    path = tmp_path / "none.json"
    line = the_line(read_coco, tmp_path, path, error=DataError)
    assert line == f"{path}: cannot be read (No such file or directory); check the path in the study's datasets"


def test_a_file_in_another_encoding_is_one_line(tmp_path):
    path = tmp_path / "captions.json"
    path.write_bytes('{"images": "café"}'.encode("latin-1"))
    assert "captions.json: not UTF-8 at byte 15 " in the_line(read_coco, tmp_path, path, error=DataError)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    path = write_coco(tmp_path, IMAGES, CAPTIONS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_coco(tmp_path, path).texts) == 3


def test_nocaps_has_the_layout_of_coco_with_ten_captions_an_image(tmp_path):
    images = [
        {"id": 7, "file_name": "0013ea2087020901.jpg", "open_images_id": "0013ea2087020901", "domain": "near-domain"},
        {"id": 4, "file_name": "00a5c3e7ea1e24ae.jpg", "open_images_id": "00a5c3e7ea1e24ae", "domain": "out-domain"},
    ]
    annotations = [
        {"image_id": image["id"], "id": 10 * image["id"] + number, "caption": f"caption {number} of {image['id']}"}
        for image in images
        for number in range(10)
    ]
    file = tmp_path / "nocaps_val_4500_captions.json"
    file.write_text(json.dumps({"licenses": [], "info": {}, "images": images, "annotations": annotations}))
    data = read_coco(tmp_path / "validation", file, name="nocaps")
    assert data.images["id"].tolist() == ["7", "4"]
    assert data.images["path"].str.endswith(".jpg").all()
    assert data.texts.groupby("image_id").size().to_dict() == {"7": 10, "4": 10}
