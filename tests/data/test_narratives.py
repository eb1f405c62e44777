"""Reading Localised Narratives: addresses from the data set and the image, and what has none."""

import json

import pytest
from dataset_files import the_line
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_sources import write_bytes

from ligature.data.pools import narratives, read_source_part
from ligature.data.pools.addresses import is_address
from ligature.data.pools.narratives import image_address, read_narratives
from ligature.data.pools.slices import RowSlice
from ligature.errors import DataError

WHOLE = RowSlice()
OPEN = "https://s3.amazonaws.com/open-images-dataset"
HOSTILE = ["", "../../etc/passwd", "1/2", "1?x=y", "١٢٣", "-5", "1e3", "7\n", "12345678901234567", "\0", "00 1"]


def narrative(dataset="mscoco_train2017", image="9", caption="a cat", **more) -> dict:
    return {"dataset_id": dataset, "image_id": image, "annotator_id": 7, "caption": caption, **more}


def write_lines(folder, *values):
    return write_bytes(folder, b"".join(json.dumps(value).encode() + b"\n" for value in values))


@pytest.mark.parametrize(
    ("dataset", "image", "expected"),
    [
        ("mscoco_train2017", "9", "http://images.cocodataset.org/train2017/000000000009.jpg"),
        ("mscoco_val2017", "581929", "http://images.cocodataset.org/val2017/000000581929.jpg"),
        ("mscoco_val2017", "000000581929", "http://images.cocodataset.org/val2017/000000581929.jpg"),
        ("open_images_train", "000002b66c9c498e", f"{OPEN}/train/000002b66c9c498e.jpg"),
        ("open_images_validation", "000002b66c9c498e", f"{OPEN}/validation/000002b66c9c498e.jpg"),
        ("open_images_val", "000002b66c9c498e", f"{OPEN}/validation/000002b66c9c498e.jpg"),
        ("Open_Images_test", "000002b66c9c498e", f"{OPEN}/test/000002b66c9c498e.jpg"),
        ("open_images_train_v6", "000002b66c9c498e", f"{OPEN}/train/000002b66c9c498e.jpg"),
        ("flickr30k_train", "9", None),
        ("ADE20k_train", "ADE_train_00000001", None),
        ("mscoco_train2014", "9", None),
        ("xmscoco_train2017", "9", None),
    ],
)
def test_an_address_is_made_of_data_set_and_image(dataset, image, expected):
    assert image_address(dataset, image) == expected


@pytest.mark.parametrize("image", HOSTILE)
def test_what_is_no_id_of_the_data_set_has_no_address(image):
    assert image_address("mscoco_train2017", image) is None
    assert image_address("open_images_train", image) is None
    assert image_address("open_images_train", "000002B66C9C498E") is None


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30) | st.integers(0, 10**15).map(str))
def test_no_text_makes_an_address_that_is_not_one_of_an_image(dataset, image):
    for name in (dataset, "mscoco_val2017", "open_images_test"):
        url = image_address(name, image)
        assert url is None or (is_address(url) and url.endswith(f"{image.zfill(12)}.jpg") and ".." not in url)


def test_several_narratives_of_an_image_are_rows_with_one_address(tmp_path):
    path = write_lines(tmp_path, narrative(), narrative(caption="two cats", image=9), narrative(image="10"))
    table = read_narratives(path, WHOLE)
    assert table["row"].to_list() == [0, 1, 2]
    assert table["caption"].to_list() == ["a cat", "two cats", "a cat"]
    assert table["url"][0] == table["url"][1] != table["url"][2]
    assert set(table["reason"]) == {""}


def test_every_narrative_without_an_image_is_counted_by_its_reason(tmp_path):
    path = write_lines(
        tmp_path,
        narrative(),
        narrative("flickr30k_train"),
        narrative("ADE20k_train", "ADE_train_00000001"),
        narrative("a data set of tomorrow"),
        narrative(None),
        narrative(image="../x"),
        narrative(image=None),
        narrative(caption=None),
        narrative("flickr30k_train", caption=" \n"),
        narrative(caption=["a cat"]),
    )
    table, funnel = read_source_part("localized-narratives", path, source="spoken", part=0)
    assert table["url"].to_list() == ["http://images.cocodataset.org/train2017/000000000009.jpg"]
    assert funnel.rows_in == 10
    assert funnel.dropped == {"no address": 2, "no caption": 3, "no public address": 4}
    assert len(funnel.samples["no public address"]) == 4


@pytest.mark.parametrize("slices", [1, 2, 3, 7])
def test_slices_together_hold_every_line_once(tmp_path, slices):
    path = write_lines(tmp_path, *(narrative(image=str(row), caption=f"cat {row}") for row in range(5)))
    parts = [read_narratives(path, RowSlice(index, slices)) for index in range(slices)]
    rows = [(row, caption) for part in parts for row, caption in zip(part["row"], part["caption"], strict=True)]
    assert rows == [(row, f"cat {row}") for row in range(5)]


def test_traces_beside_the_caption_and_a_last_line_without_an_end_are_read(tmp_path):
    traced = narrative(traces=[[{"x": 0.1, "y": 0.2, "t": 0.0}] * 50], timed_caption=[], voice_recording="x.ogg")
    path = write_bytes(tmp_path, json.dumps(traced).encode() + b"\r\n" + json.dumps(narrative()).encode())
    assert read_narratives(path, WHOLE)["caption"].to_list() == ["a cat", "a cat"]


def test_an_empty_file_has_no_rows(tmp_path):
    table, funnel = read_source_part("localized-narratives", write_bytes(tmp_path, b""), source="spoken", part=0)
    assert (len(table), funnel.rows_in) == (0, 0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "is not valid json"),
        (b"", "is not valid json"),
        (b"[" * 100_000, "is not valid json"),
        (b"9" * 5000, "is not valid json"),
        (b"[1, 2]", "has not the keys dataset_id, image_id, caption; check the source's format"),
        (b'{"dataset_id": "mscoco_val2017", "image_id": "9"}', "has not the keys dataset_id, image_id, caption"),
    ],
)
def test_a_line_that_is_no_narrative_is_named(tmp_path, line, expected):
    path = write_bytes(tmp_path, json.dumps(narrative()).encode() + b"\n" + line + b"\n")
    found = the_line(read_narratives, path, WHOLE, error=DataError)
    assert found.startswith(f"{path}: line 2 ")
    assert expected in found
    assert len(read_narratives(path, RowSlice(0, 2))) == 1, "a slice reads no further than it goes"


def test_a_line_without_end_is_refused_before_it_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(narratives, "MAX_LINE", 200)
    path = write_lines(tmp_path, narrative(), narrative(caption="x" * 200))
    line = the_line(read_narratives, path, WHOLE, error=DataError)
    assert line == f"{path}: line 2 is longer than 200 bytes; check the source's format"


def test_a_missing_file_is_one_line(tmp_path):
    assert "cannot be read (No such file" in the_line(read_narratives, tmp_path / "none", WHOLE, error=DataError)
