import json

import pytest
from dataset_files import the_line

from ligature.data import limits
from ligature.data.karpathy import read_karpathy
from ligature.errors import DataError


def entry(filename, split, *captions, **further):
    return {"filename": filename, "split": split, "sentences": [{"raw": text} for text in captions]} | further


COCO = [
    entry("COCO_val2014_000000391895.jpg", "test", "A man.", "A red bike.", filepath="val2014", cocoid=391895, imgid=0),
    entry("COCO_val2014_000000060623.jpg", "restval", "A girl.", filepath="val2014", cocoid=60623, imgid=1),
    entry("COCO_train2014_000000000009.jpg", "train", "A lunch.", filepath="train2014", cocoid=9, imgid=2),
    entry("COCO_val2014_000000000042.jpg", "test", "A dog.", "", filepath="val2014", cocoid=42, imgid=3),
]
FLICKR = [entry("1000092795.jpg", "test", "Two boys.", "Boys, two.", imgid=0), entry("10002456.jpg", "val", "Men.")]


def write(folder, values):
    path = folder / "dataset.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return path


def refusal(folder, values, split="test"):
    path = write(folder, values)
    line = the_line(read_karpathy, folder / "images", path, split=split, error=DataError)
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


def test_images_of_coco_lie_in_their_folders_and_are_called_by_cocos_numbers(tmp_path):
    dataset = read_karpathy(tmp_path, write(tmp_path, {"images": COCO, "dataset": "coco"}), name="toy", split="test")
    assert (dataset.name, dataset.split, dataset.class_names) == ("toy", "test", None)
    assert dataset.images.to_dict("list") == {
        "id": ["391895", "42"],
        "path": [str(tmp_path / f"val2014/COCO_val2014_{number:012d}.jpg") for number in (391895, 42)],
    }
    assert dataset.texts.to_dict("list") == {
        "id": ["391895#0", "391895#1", "42#0"],
        "image_id": ["391895", "391895", "42"],
        "text": ["A man.", "A red bike.", "A dog."],
    }
    assert dataset.skipped_texts == [{"id": "42#1", "reason": "empty caption"}]


def test_images_of_flickr_are_called_by_their_file_names(tmp_path):
    dataset = read_karpathy(tmp_path, write(tmp_path, {"images": FLICKR}), split="test")
    assert dataset.images.to_dict("records") == [{"id": "1000092795", "path": str(tmp_path / "1000092795.jpg")}]
    assert dataset.texts["text"].to_list() == ["Two boys.", "Boys, two."]


def test_train_of_coco_includes_restval_and_says_so(tmp_path, capsys):
    path = write(tmp_path, {"images": COCO})
    assert read_karpathy(tmp_path, path, split="train").images["id"].to_list() == ["60623", "9"]
    said = f"{path}: split train includes 1 images of restval, 1 are of train itself\n"
    assert capsys.readouterr().err == said
    assert read_karpathy(tmp_path, path, split="restval").images["id"].to_list() == ["60623"]
    assert capsys.readouterr().err == ""


def test_train_without_restval_says_nothing(tmp_path, capsys):
    path = write(tmp_path, {"images": [entry("1.jpg", "train", "Men.")]})
    assert read_karpathy(tmp_path, path, split="train").images["id"].to_list() == ["1"]
    assert capsys.readouterr().err == ""


def test_an_unknown_split_is_refused_with_those_there_are(tmp_path):
    expected = "no image of split 'valid'; there are: restval, test, train"
    assert refusal(tmp_path, {"images": COCO}, "valid") == expected
    assert refusal(tmp_path, {"images": []}) == "no image of split 'test'; there are: none"


@pytest.mark.parametrize(
    "changes", [{"filename": "../x.jpg"}, {"filename": "/x.jpg"}, {"filepath": "../val"}, {"filepath": "/etc"}]
)
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, changes):
    assert "leaves the folder" in refusal(tmp_path, {"images": [COCO[0] | changes]})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "not in the layout of Karpathy's splits: the key 'images' is missing"),
        ([], "not in the layout of Karpathy's splits: list indices must be integers"),
        ({"images": [1]}, "not in the layout of Karpathy's splits: 'int' object is not subscriptable"),
        ({"images": [{"split": "test"}]}, "not in the layout of Karpathy's splits: the key 'filename' is missing"),
        ({"images": [{"split": ["test"]}, COCO[0]]}, "not in the layout of Karpathy's splits: unhashable type: 'list'"),
        ({"images": [COCO[0] | {"filename": 5}]}, "not in the layout of Karpathy's splits: "),
        (
            {"images": [COCO[0] | {"sentences": [{}]}]},
            "not in the layout of Karpathy's splits: the key 'raw' is missing",
        ),
        ({"images": [COCO[0] | {"sentences": []}]}, "every caption is empty or there is none; check the file"),
        ({"images": [COCO[0], COCO[0]]}, "image id '391895' stands twice; remove one of them"),
        ("{", "not valid json"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path, values, expected):
    assert refusal(tmp_path, values).startswith(expected)


def test_a_missing_or_too_large_file_is_one_line(tmp_path, monkeypatch):
    assert "cannot be read (No such file" in the_line(
        read_karpathy, tmp_path, tmp_path / "none.json", split="test", error=DataError
    )
    monkeypatch.setattr(limits, "MAX_TEXT_BYTES", 100)
    assert "bytes, more than the 100 that are read; split or shorten it" in refusal(tmp_path, {"images": COCO})
