import json
import tarfile

import pyarrow.parquet as pq
import pytest

from ligature.data.scenes import class_names, write_world
from ligature.data.scenes.files import wordnet_id
from ligature.data.scenes.web import find_leaks
from ligature.params.world import WebParams

SMALL = WebParams(laion=200, parts=2, cc3m=20, cc12m=20, sbu=20)


def read_bytes(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    sizes = {"coco": {"train": 12, "val": 12, "test": 3}, "imagenet": {"train": 1, "val": 1}, "voc": {}}
    root = tmp_path_factory.mktemp("scenes") / "world"
    return write_world(root, seed=3, image_size=32, web=SMALL, **sizes)


def test_a_world_with_a_web_counts_its_rows(world):
    rows = {part: count for part, count in world.images.items() if part.startswith("web/")}
    assert rows == {"web/laion": 200, "web/cc3m": 20, "web/cc12m": 20, "web/sbu": 20}
    assert world.images["coco/val"] == 12
    assert sum(pq.read_metadata(path).num_rows for path in (world.root / "web/laion").iterdir()) == 200


def test_plain_values_serve_as_params_of_the_web(tmp_path):
    sizes = {"coco": {}, "imagenet": {}, "voc": {}}
    one = write_world(tmp_path / "one", seed=3, image_size=32, web=SMALL.model_dump(), **sizes)
    two = write_world(tmp_path / "two", seed=3, image_size=32, web=SMALL, **sizes)
    assert read_bytes(one.root) == read_bytes(two.root)
    none = write_world(tmp_path / "none", seed=3, image_size=32, web=None, **sizes)
    assert none.images == {}
    assert not (none.root / "web").exists()


def test_a_web_changes_nothing_else_of_the_world(world, tmp_path):
    sizes = {"coco": {"train": 12, "val": 12, "test": 3}, "imagenet": {"train": 1, "val": 1}, "voc": {}}
    bare = read_bytes(write_world(tmp_path / "bare", seed=3, image_size=32, **sizes).root)
    assert bare == {name: data for name, data in read_bytes(world.root).items() if not name.startswith("web/")}


def test_leaks_are_first_items_of_evaluation_splits(world):
    leaks = find_leaks(world.root, ["train", "val", "test"], ["train", "val"])
    table = json.loads((world.root / "coco/annotations/captions_val.json").read_text())
    assert [leak.caption for leak in leaks[:10]] == [row["caption"] for row in table["annotations"][:50:5]]
    assert leaks[3].jpeg_bytes == (world.root / "coco/val/000000000004.jpg").read_bytes()
    assert [leak.caption for leak in leaks[10:]] == list(class_names()[::10])
    name = wordnet_id(10)
    assert leaks[11].jpeg_bytes == (world.root / "imagenet/val" / name / f"{name}_1.JPEG").read_bytes()
    assert find_leaks(world.root, ["train"], []) == []


def test_no_picture_of_a_benchmark_split_but_the_leaks_stands_in_the_web(world):
    web = world.root / "web"
    with tarfile.open(web / "images.tar") as archive:
        bodies = {archive.extractfile(info).read() for info in archive.getmembers()}
    pictures = {data for name, data in read_bytes(world.root).items() if name.lower().endswith(("jpg", "jpeg"))}
    leaks = find_leaks(world.root, ["train", "val", "test"], ["train", "val"])
    assert len(leaks) == 20
    assert bodies & pictures == {leak.jpeg_bytes for leak in leaks}
