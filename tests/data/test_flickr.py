import pytest
from dataset_files import the_line

from ligature.data import read_flickr
from ligature.errors import DataError

CSV = 'image,caption\nb.jpg,A dog .\nb.jpg,"Two, dogs ."\na.jpg,A cat .\nb.jpg,null\na.jpg,\n'


def write_csv(folder, text):
    path = folder / "captions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder, text):
    line = the_line(read_flickr, folder / "images", write_csv(folder, text), error=DataError)
    assert line.startswith(f"{folder / 'captions.csv'}: ")
    return line.removeprefix(f"{folder / 'captions.csv'}: ")


def test_rows_become_images_in_order_of_appearance_with_their_captions(tmp_path):
    dataset = read_flickr(tmp_path / "images", write_csv(tmp_path, CSV), name="toy", split="test")
    assert (dataset.name, dataset.split) == ("toy", "test")
    assert dataset.images["id"].to_list() == ["b", "a"]
    assert dataset.images["path"].to_list() == [str(tmp_path / "images/b.jpg"), str(tmp_path / "images/a.jpg")]
    assert dataset.texts.set_index("id")["text"].to_dict() == {
        "b#0": "A dog .",
        "b#1": "Two, dogs .",
        "b#2": "null",
        "a#0": "A cat .",
    }
    assert dataset.skipped_texts == [{"id": "a#1", "reason": "empty caption"}]


def test_further_columns_do_not_matter(tmp_path):
    text = "number,caption,image\n1,A dog .,b.jpg\n"
    assert read_flickr(tmp_path, write_csv(tmp_path, text)).texts["text"].to_list() == ["A dog ."]


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path):
    path = write_csv(tmp_path, CSV)
    plain = read_flickr(tmp_path, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_flickr(tmp_path, path).texts.equals(plain.texts)


def test_a_row_without_caption_is_counted(tmp_path):
    dataset = read_flickr(tmp_path, write_csv(tmp_path, "image,caption\na.jpg,A cat .\nb.jpg\n"))
    assert dataset.skipped_texts == [{"id": "b#0", "reason": "empty caption"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("file,text\na.jpg,A cat .\n", "needs the columns image and caption, has file, text"),
        ("a.jpg\tA cat .\n", "needs the columns image and caption, has a.jpg\tA cat ."),
        ("", "not a csv file (No columns to parse from file)"),
        ("image,caption\na.jpg,one\na.jpg,two, three\n", "not a csv file (Error tokenizing data."),
        (
            "image,caption\na.jpg,two, three\n",
            "the rows have more fields than the header; quote the captions that hold",
        ),
        ('image,caption\na.jpg,"open\n', "not a csv file (Error tokenizing data. C error: EOF inside string"),
        ("image,caption\n", "every caption is empty or there is none; check the file"),
        ("image,caption\na.jpg,one\na.png,two\n", "image id 'a' stands twice; remove one of them"),
        ("image,caption\n../a.jpg,one\n", "file name '../a.jpg' leaves the folder"),
        ("image,caption\n/a.jpg,one\n", "file name '/a.jpg' leaves the folder"),
        ("image,caption\n,one\n", "file name '' leaves the folder"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path, text, expected):
    assert refusal(tmp_path, text).startswith(expected)


def test_a_missing_or_binary_csv_is_one_line(tmp_path):
    path = tmp_path / "captions.csv"
    assert "cannot be read (No such file" in the_line(read_flickr, tmp_path, path, error=DataError)
    path.write_bytes(b"image,caption\na.jpg,\xff\xfe\n")
    assert "captions.csv: not UTF-8 at byte 20" in the_line(read_flickr, tmp_path, path, error=DataError)
