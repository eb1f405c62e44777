"""Folders, captions and anchors of a user's own: what is taken, and every mistake in one line."""

import os
import socket
from pathlib import Path

import pytest
from own_files_inputs import run, write_own

from ligature.cli.own_files.anchors import read_anchors
from ligature.cli.own_files.captions import MAX_CHARACTERS, check_text, read_captions
from ligature.cli.own_files.folder import SHOWN, count_reasons, list_images
from ligature.cli.own_files.match import match
from ligature.cli.own_files.task import read_task
from ligature.errors import DataError


@pytest.fixture
def photos(tmp_path):
    """Four pictures in name only, in a folder and one below it."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.jpg", "a.PNG", "inner/c.webp", "inner/d.tiff", "notes.txt", "inner/film.mp4"):
        (folder / name).write_bytes(b"")
    return folder


def test_images_are_listed_in_order_and_other_files_counted(photos):
    found = list_images(photos)
    assert found.names == ["a.PNG", "b.jpg", "inner/c.webp", "inner/d.tiff"]
    assert (found.others, found.refused) == (2, {})


def test_a_folder_named_from_where_one_stands_is_listed_alike(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert list_images(Path("photos")) == list_images(photos)


def test_nothing_outside_the_folder_is_listed(photos, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.jpg").write_bytes(b"")
    (photos / "file.jpg").symlink_to(tmp_path / "outside" / "secret.jpg")
    (photos / "climbing.jpg").symlink_to(Path("..") / "outside" / "secret.jpg")
    (photos / "folder").symlink_to(tmp_path / "outside")
    (photos / "gone.jpg").symlink_to(photos / "none.jpg")
    (photos / "circle.jpg").symlink_to(photos / "circle.jpg")
    (photos / "twin.jpg").symlink_to(photos / "b.jpg")
    found = list_images(photos)
    assert set(found.names) == {"a.PNG", "b.jpg", "inner/c.webp", "inner/d.tiff", "twin.jpg"}
    assert found.refused == {
        "circle.jpg": "no regular file",
        "climbing.jpg": "link out of the folder",
        "file.jpg": "link out of the folder",
        "folder": "link to a folder",
        "gone.jpg": "no regular file",
    }


def test_pipes_sockets_and_names_that_are_no_text_are_not_opened(photos):
    os.mkfifo(photos / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(photos / "plug.jpg"))
    (photos / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    refused = list_images(photos).refused
    assert refused["pipe.jpg"] == refused["plug.jpg"] == "no regular file"
    assert refused[os.fsdecode(b"\xff.jpg")] == "name is not UTF-8"


def test_a_folder_that_cannot_be_read_is_named(photos, monkeypatch):
    plain = os.scandir

    def scandir(path):
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list_images(photos)
    assert found.names == ["a.PNG", "b.jpg"]
    assert found.refused == {"inner": "unreadable folder (Permission denied)"}


@pytest.mark.parametrize("name", ["none", "notes.txt"])
def test_a_missing_folder_is_named(photos, name):
    with pytest.raises(DataError, match=f"{name}: no such folder"):
        list_images(photos / name)


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "x.jpg").symlink_to("/etc/hostname")
    with pytest.raises(DataError, match=r"no image in it; 1 other files, 1 left out: 'x\.jpg' \(link out of"):
        list_images(tmp_path)


def test_reasons_are_counted_and_the_first_are_shown():
    reasons = {f"{number}.jpg": "not an image" for number in range(SHOWN + 2)}
    assert count_reasons({}) == "0 left out"
    assert count_reasons({"a\n.jpg": "why"}) == r"1 left out: 'a\n.jpg' (why)"
    assert count_reasons(reasons).startswith("7 left out: '0.jpg' (not an image), ")
    assert count_reasons(reasons).endswith("'4.jpg' (not an image), ...")


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_captions_keep_the_numbers_of_their_lines(tmp_path):
    path = write(tmp_path / "c.txt", "\ufeffone\r\n\n  two \n\t\nthree\u2028still three, “ü”\n")
    lines = read_captions(path)
    assert lines.texts == ["one", "two", "three\u2028still three, “ü”"]
    assert (lines.lines, lines.empty) == ([1, 3, 5], 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no caption"),
        ("\n  \n", "holds no caption"),
        (b"one\n\xff\n", "not UTF-8 at byte 4"),
        ("one\n\n" + "x" * (MAX_CHARACTERS + 1), "line 3: 10,001 characters"),
    ],
)
def test_captions_that_cannot_be_taken_are_named(tmp_path, content, words):
    with pytest.raises(DataError, match=rf"c\.txt: .*{words}|c\.txt: {words}"):
        read_captions(write(tmp_path / "c.txt", content))


def test_missing_captions_are_named(tmp_path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(DataError, match="no such file"):
            read_captions(path)


def test_a_text_is_checked():
    assert check_text(" a ", "here") == "a"
    for text, words in ((" ", "here: is empty"), ("\udc80", "here: is not UTF-8")):
        with pytest.raises(DataError, match=words):
            check_text(text, "here")


def anchors_of(photos, content):
    return read_anchors(write(photos.parent / "pairs.csv", content), list_images(photos))


def test_anchors_are_read_with_all_their_captions(photos):
    rows = ["id,caption,image", "1,one,b.jpg", '2,"two, and ""more""",./inner/c.webp', "", f"3,three,{photos}/a.PNG"]
    anchors = anchors_of(photos, "\r\n".join([*rows, "4, four ,b.jpg"]))
    assert anchors.images == ["b.jpg", "inner/c.webp", "a.PNG"]
    assert anchors.captions == [["one", "four"], ['two, and "more"'], ["three"]]
    assert anchors.texts() == {"one", "four", 'two, and "more"', "three"}
    assert anchors.place("a.PNG").endswith("pairs.csv: row 5")


def test_absolute_names_through_a_link_to_the_folder_are_found(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    rows = f"image,caption\n{photos}/a.PNG,a\n{tmp_path}/link/b.jpg,b\ninner/c.webp,c\n"
    path = write(tmp_path / "pairs.csv", rows)
    assert read_anchors(path, list_images(tmp_path / "link")).images == ["a.PNG", "b.jpg", "inner/c.webp"]


GOOD = "image,caption\na.PNG,a\nb.jpg,b\ninner/c.webp,c\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", r"pairs.csv: needs the columns image and caption, has none"),
        ("picture,caption\n", "needs the columns image and caption, has picture, caption"),
        ("image,caption\na.PNG,a\nb.jpg,b\n", "2 images with captions; at least 3"),
        ("image,caption\na.PNG,a\na.PNG,b\na.PNG,c\n", "1 images with captions; at least 3"),
        (GOOD + "none.jpg,d\n", "row 5: 'none.jpg': no such image in .*photos; correct the name"),
        (GOOD + "notes.txt,d\n", "row 5: 'notes.txt': no such image"),
        (GOOD + "inner,d\n", "row 5: 'inner': no such image"),
        (GOOD + ",d\n", "row 5: image: is empty"),
        (GOOD + "../secret.jpg,d\n", "row 5: file name '../secret.jpg' leaves the folder"),
        (GOOD + "inner/../../secret.jpg,d\n", "row 5: file name .* leaves the folder"),
        (GOOD + "/etc/hostname,d\n", "row 5: file name '/etc/hostname' leaves the folder"),
        (GOOD + "{photos}/../secret.jpg,d\n", "row 5: file name '../secret.jpg' leaves the folder"),
        (GOOD + "a.PNG,\n", "row 5: caption: is empty"),
        (GOOD + "a.PNG," + "x" * 10_001 + "\n", "row 5: caption: 10,001 characters"),
        (GOOD + "./a.PNG, a \n", "row 5: repeats row 2"),
        (GOOD + "inner/d.tiff,a, b\n", "row 5 has 3 fields, the header 2; put captions"),
        (GOOD + "inner/d.tiff\n", "row 5 has 1 fields"),
        (GOOD + 'inner/d.tiff,"a\n', "line 5 is not csv"),
        (GOOD + "inner/d.tiff," + "x" * 200_000, "line 5 is not csv .field larger"),
        (b"image,caption\n\xff,a\n", "not UTF-8"),
    ],
)
def test_mistakes_in_anchors_are_named_with_their_row(photos, content, words):
    if isinstance(content, str):
        content = content.replace("{photos}", str(photos))
    with pytest.raises(DataError, match=words):
        anchors_of(photos, content)


def test_an_anchor_that_links_outside_is_refused(photos, tmp_path):
    write(tmp_path / "secret.jpg", b"")
    (photos / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(DataError, match=r"row 5: 'link\.jpg': link out of the folder"):
        anchors_of(photos, GOOD + "link.jpg,d\n")


def test_a_missing_csv_is_named(photos):
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        read_anchors(photos / "none.csv", list_images(photos))


def test_too_much_to_match_is_named(tmp_path, monkeypatch):
    own = write_own(tmp_path)
    monkeypatch.setattr("ligature.cli.own_files.task.MAX_SCORES", 255)
    with pytest.raises(DataError, match="16 images and 16 captions are too many"):
        read_task(own.paths[0], own.paths[1], own.paths[3])


def test_only_captions_of_anchors_leave_nothing_to_match(tmp_path):
    own = write_own(tmp_path)
    own.write_lines([own.captions[name] for name in own.anchors[:3]])
    with pytest.raises(DataError, match="all 3 captions are those of anchors"):
        run(match, *own.paths, "--vision", "pixels", "--text", "bag-of-words", *own.where)
    assert not list(tmp_path.glob("*matches*"))
