import pytest
from dataset_files import the_line
from pool_sources import write_bytes, write_values

from ligature.data.pools.listings import read_coco, read_sbu
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

WHOLE = RowSlice()
SBU = {"image_urls": ["http://a.com/1", None, "http://a.com/3"], "captions": ["a cat", "a dog", 7], "user_ids": [1]}
SIZE = {"width": 640, "height": 480}
COCO = {
    "licenses": [{"id": 4, "name": "CC BY"}],
    "images": [
        {
            "id": 9,
            "coco_url": "http://c.org/9",
            "flickr_url": "http://f.com/9",
            "license": 4,
            "width": 640,
            "height": 480,
        },
        {"id": 8, "coco_url": "", "flickr_url": "http://f.com/8", "license": 5},
        {"id": 7},
    ],
    "annotations": [
        {"id": 1, "image_id": 8, "caption": "a cat"},
        {"id": 2, "image_id": 9, "caption": "a dog"},
        {"id": 3, "image_id": 9, "caption": None},
        {"id": 4, "image_id": 7, "caption": "a cow"},
    ],
}


def without(values, *keys):
    return {key: value for key, value in values.items() if key not in keys}


def test_the_lists_of_sbu_are_read_side_by_side(tmp_path):
    table = read_sbu(write_values(tmp_path, SBU), WHOLE)
    assert table.to_dict("list") == {
        "row": [0, 1, 2],
        "url": ["http://a.com/1", None, "http://a.com/3"],
        "caption": ["a cat", "a dog", None],
    }


def test_every_caption_of_coco_is_a_row_with_the_facts_of_its_image(tmp_path):
    table = read_coco(write_values(tmp_path, COCO), WHOLE)
    assert table[["row", "url", "caption", "licence"]].values.tolist() == [
        [0, "http://f.com/8", "a cat", None],
        [1, "http://c.org/9", "a dog", "CC BY"],
        [2, "http://c.org/9", None, "CC BY"],
        [3, None, "a cow", None],
    ]
    assert table["width"].dropna().to_list() == [640, 640]
    assert table["height"].dropna().to_list() == [480, 480]


@pytest.mark.parametrize("side", [0, -5, 10**400, float("nan"), float("inf"), "640", [640], {"x": 1}])
def test_a_side_of_no_image_is_not_known(tmp_path, side):
    values = {**COCO, "images": [{**image, "width": side} for image in COCO["images"]]}
    assert read_coco(write_values(tmp_path, values), WHOLE)["width"].isna().all()


@pytest.mark.parametrize(("reader", "values", "rows"), [(read_sbu, SBU, 3), (read_coco, COCO, 4)])
@pytest.mark.parametrize("slices", [1, 2, 5])
def test_slices_together_hold_every_row_once(tmp_path, reader, values, rows, slices):
    path = write_values(tmp_path, values)
    parts = [reader(path, RowSlice(index, slices)) for index in range(slices)]
    assert [row for part in parts for row in part["row"]] == list(range(rows))
    whole = reader(path, WHOLE)["caption"].to_list()
    assert [caption for part in parts for caption in part["caption"]] == whole


def test_lists_of_sbu_that_differ_in_length_are_one_line(tmp_path):
    path = write_values(tmp_path, {**SBU, "captions": ["a cat"]})
    line = the_line(read_sbu, path, WHOLE, error=DataError)
    assert line == f"{path}: 3 image_urls and 1 captions; they must be one each"


@pytest.mark.parametrize(
    ("reader", "values", "expected"),
    [
        (read_sbu, without(SBU, "captions"), "the list 'captions' is missing"),
        (read_sbu, {**SBU, "image_urls": "http://a.com"}, "the list 'image_urls' is missing"),
        (read_sbu, [], "the list 'image_urls' is missing"),
        (read_coco, without(COCO, "images"), "the list 'images' is missing"),
        (read_coco, {**COCO, "images": [{}]}, "the key or image 'id' is missing"),
        (read_coco, {**COCO, "images": [3]}, "not in COCO's captions layout: "),
        (read_coco, {**COCO, "images": []}, "the key or image 8 is missing"),
        (read_coco, {**COCO, "annotations": [{"image_id": 9}]}, "the key or image 'caption' is missing"),
        (read_coco, {**COCO, "annotations": ["a cat"]}, "not in COCO's captions layout: "),
        (read_coco, {**COCO, "licenses": [{"id": 4}]}, "the key or image 'name' is missing"),
        (read_coco, {**COCO, "licenses": 4}, "not in COCO's captions layout: "),
    ],
)
def test_a_file_of_another_layout_is_one_line(tmp_path, reader, values, expected):
    path = write_values(tmp_path, values)
    line = the_line(reader, path, WHOLE, error=DataError)
    assert line.startswith(f"{path}: ")
    assert expected in line


@pytest.mark.parametrize("reader", [read_sbu, read_coco])
def test_a_file_that_is_no_json_is_one_line(tmp_path, reader):
    assert "not valid json" in the_line(reader, write_bytes(tmp_path, b"{"), WHOLE, error=DataError)
    assert "cannot be read" in the_line(reader, tmp_path / "none.json", WHOLE, error=DataError)
