import pytest
from dataset_files import the_line, write_picture

from ligature.data import limits
from ligature.data.parallel import read_pairs, read_parallel, training_notes
from ligature.errors import DataError

NAMES = ["COCO_val2014_000000436141.jpg", "COCO_train2014_000000000009.jpg", "COCO_val2014_000000000042.jpg"]
GERMAN = ["Ein Hund läuft.", "Ein Mittagessen.", "Zwei Bären."]


def write(folder, names=NAMES, captions=GERMAN):
    """Writes both files; returns the folder of images and the files."""
    for file, lines in (("test_image_names.txt", names), ("test_1kcaptions_de.txt", captions)):
        (folder / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder / "images", folder / "test_image_names.txt", folder / "test_1kcaptions_de.txt"


def test_every_image_has_the_caption_of_its_line(tmp_path):
    dataset = read_parallel(*write(tmp_path), name="toy", split="test")
    assert (dataset.name, dataset.split) == ("toy", "test")
    stems = [name.removesuffix(".jpg") for name in NAMES]
    assert dataset.images["id"].to_list() == stems
    assert dataset.texts.to_dict("list") == {"id": [f"{stem}#0" for stem in stems], "image_id": stems, "text": GERMAN}


def test_an_image_may_lie_in_a_sub_folder(tmp_path):
    files = write(tmp_path)
    images = tmp_path / "images"
    paths = [images / "val2014" / NAMES[0], images / "train2014" / NAMES[1], images / NAMES[2]]
    for path in paths:
        write_picture(path)
    write_picture(images / "old/deeper" / NAMES[0])
    write_picture(images / "val2014" / NAMES[2])
    assert read_parallel(*files).images["path"].to_list() == [str(path) for path in paths]


def test_an_image_that_is_nowhere_is_left_to_whoever_opens_it(tmp_path):
    (tmp_path / "images/val2014").mkdir(parents=True)
    dataset = read_parallel(*write(tmp_path))
    assert dataset.images["path"].to_list() == [str(tmp_path / "images" / name) for name in NAMES]


def test_an_image_in_two_sub_folders_is_refused(tmp_path):
    files = write(tmp_path)
    for folder in ("a", "b"):
        write_picture(tmp_path / "images" / folder / NAMES[0])
    line = the_line(read_parallel, *files, error=DataError)
    where = [tmp_path / "images" / folder for folder in ("a", "b")]
    assert line == f"{files[1]}: '{NAMES[0]}' lies in {where[0]} and in {where[1]}; move one away"


def test_images_of_cocos_training_set_are_counted_and_said(tmp_path, capsys):
    dataset = read_parallel(*write(tmp_path))
    expected = "test_image_names.txt: 1 of 3 images are of COCO's training set (train2014); results of a model that "
    assert len(dataset.notes) == 1
    assert dataset.notes[0].startswith(expected)
    assert capsys.readouterr().err == f"{dataset.notes[0]}\n"


def test_without_such_images_there_is_no_note(tmp_path, capsys):
    dataset = read_parallel(*write(tmp_path, ["1007129816.jpg"], ["Ein Mann."]))
    assert dataset.notes == () == training_notes(["val2014/COCO_val2014_1.jpg"], tmp_path)
    assert capsys.readouterr().err == ""
    assert training_notes(["train2014/COCO_train2014_1.jpg"] * 800 + ["x"] * 200, tmp_path)[0].split(": ")[1] == (
        "800 of 1,000 images are of COCO's training set (train2014); results of a model that was trained on COCO are "
        "not zero-shot"
    )


def test_numbers_of_lines_that_differ_are_one_line_with_both_files(tmp_path):
    files = write(tmp_path, captions=GERMAN[:2])
    line = the_line(read_parallel, *files, error=DataError)
    assert line == f"{files[2]}: 2 lines, but {files[1]} has 3; they must go together"


def test_an_empty_caption_is_counted(tmp_path):
    dataset = read_parallel(*write(tmp_path, captions=["Ein Hund.", " ", "Zwei Bären."]))
    assert dataset.skipped_texts == [{"id": "COCO_train2014_000000000009#0", "reason": "empty caption"}]
    assert len(dataset.images) == 3


def test_line_separators_of_unicode_and_windows_line_ends_move_no_line(tmp_path):
    _, names, captions = write(tmp_path)
    captions.write_bytes("Ein\u2028Hund.\r\n\x85Zwei\r\nDrei".encode())
    assert [text for _, text in read_pairs(names, captions)] == ["Ein\u2028Hund.", "Zwei", "Drei"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["../a.jpg", "b.jpg", "c.jpg"], "file name '../a.jpg' leaves the folder"),
        (["/a.jpg", "b.jpg", "c.jpg"], "file name '/a.jpg' leaves the folder"),
        (["a.jpg", "", "c.jpg"], "file name '' leaves the folder"),
        (["a.jpg", "a.png", "c.jpg"], "image id 'a' stands twice; remove one of them"),
    ],
)
def test_a_wrong_name_is_one_line(tmp_path, names, expected):
    files = write(tmp_path, names)
    assert the_line(read_parallel, *files, error=DataError).startswith(f"{files[1]}: {expected}")


def test_empty_missing_and_too_large_files_are_one_line(tmp_path, monkeypatch):
    files = write(tmp_path, [], [])
    assert "every caption is empty or there is none" in the_line(read_parallel, *files, error=DataError)
    missing = tmp_path / "none.txt"
    assert f"{missing}: cannot be read" in the_line(read_parallel, files[0], missing, files[2], error=DataError)
    monkeypatch.setattr(limits, "MAX_TEXT_BYTES", 5)
    assert "more than the 5 that are read" in the_line(read_parallel, *write(tmp_path), error=DataError)
