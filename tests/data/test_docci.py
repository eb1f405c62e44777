"""DOCCI: one long description an image, by split; cut to words as descriptions of any data set are."""

import json
from functools import partial
from pathlib import Path

import pytest
from dataset_files import the_line

from ligature.data.docci import read_docci
from ligature.data.translations import with_descriptions
from ligature.errors import DataError
from ligature.params.texts import DescriptionParams

LINES = [
    {"split": "test", "example_id": "test_1", "image_file": "test_1.jpg", "description": "A dog that runs far."},
    {"split": "train", "example_id": "train_1", "image_file": "train_1.jpg", "description": "Not asked for."},
    {"split": "test", "example_id": "test_0", "image_file": "test_0.jpg", "description": "A cat,\nasleep."},
]


def write(folder, *lines):
    path = folder / "docci_descriptions.jsonlines"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_the_images_and_descriptions_of_one_split_are_read(tmp_path):
    dataset = read_docci(tmp_path / "images", write(tmp_path, *LINES))
    assert dataset.images["id"].tolist() == ["test_1", "test_0"]
    assert dataset.images["path"].tolist() == [str(tmp_path / f"images/test_{number}.jpg") for number in (1, 0)]
    assert dataset.texts["text"].tolist() == ["A dog that runs far.", "A cat, asleep."]


def test_the_same_file_gives_the_first_words(tmp_path):
    path = write(tmp_path, *LINES)
    params = DescriptionParams(file=str(path), words=[2])
    texts = with_descriptions(read_docci(tmp_path, path), params, Path).texts
    assert texts["text"][texts["variant"] == "2w"].tolist() == ["A dog", "A cat,"]
    assert (texts["variant"] == "all").sum() == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "line 1: not a description of DOCCI"),
        ([LINES[0], {"split": "test"}], "line 2: not a description of DOCCI"),
        (["[]"], "line 1: not a description of DOCCI"),
        ([LINES[1]], "no image of split 'test'; there are: train"),
        ([], "there are: none"),
        ([LINES[0] | {"image_file": "../x.jpg"}], "leaves the folder"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, lines, message):
    assert message in the_line(partial(read_docci, tmp_path), write(tmp_path, *lines), error=DataError)
