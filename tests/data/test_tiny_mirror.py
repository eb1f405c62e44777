"""Every row of the table of sources, fetched from a mirror in miniature, unpacked and read as studies read it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import TypeAdapter
from tiny_layouts import LAYOUTS, SYNSETS
from tiny_mirror import TABLE, tiny_mirror

from ligature.data.open import open_dataset
from ligature.data.pools import read_source_part
from ligature.data.remote.archives import extract_member
from ligature.data.remote.fetch import fetch
from ligature.data.remote.resources import find_files, find_source, read_sources
from ligature.data.remote.unpack import unpack
from ligature.data.segmentation import open_segmentation
from ligature.params.datasets import DatasetParams
from ligature.store import Layout

IMAGES = 6
BLOCKS = {
    "coco": {
        "format": "coco",
        "images": "{data}/coco-val-images@2017/val2017",
        "captions": "{data}/coco-annotations@2017/annotations/captions_val2017.json",
    },
    "coco-train": {
        "format": "coco",
        "images": "{data}/coco-train-images@2017/train2017",
        "captions": "{data}/coco-annotations@2017/annotations/captions_train2017.json",
    },
    "coco-karpathy": {
        "format": "karpathy",
        "split": "test",
        "images": "{data}/coco-val-images@2014",
        "captions": "{data}/karpathy-splits@2015/dataset_coco.json",
    },
    "flickr30k": {
        "format": "karpathy",
        "split": "test",
        "images": "{data}/flickr30k-images@2014/flickr30k-images",
        "captions": "{data}/karpathy-splits@2015/dataset_flickr30k.json",
    },
    "nocaps": {
        "format": "coco",
        "images": "{data}/nocaps@2018/images",
        "captions": "{data}/nocaps@2018/nocaps_val_4500_captions.json",
    },
    "xtd10": {
        "format": "parallel",
        "images": "{data}/coco-images@2014",
        "names": "{data}/xtd10@2020/test_image_names.txt",
        "captions": "{data}/xtd10@2020/test_1kcaptions_en.txt",
        "translations": {
            "format": "parallel",
            "file": "{data}/xtd10@2020/test_1kcaptions_{language}.txt",
            "names": "{data}/xtd10@2020/test_image_names.txt",
            "languages": ["en", "de", "ja"],
        },
    },
    "multi30k": {
        "format": "parallel",
        "images": "{data}/flickr30k-images@2014/flickr30k-images",
        "names": "{data}/multi30k@test-2016/test_2016_flickr.txt",
        "captions": "{data}/multi30k@test-2016/test_2016_flickr.en",
    },
    "imagenet-train": {
        "format": "imagenet",
        "split": "train",
        "root": "{data}/imagenet-train-images@ilsvrc2012",
    },
    "docci": {
        "format": "docci",
        "split": "test",
        "images": "{data}/docci@2024/images",
        "captions": "{data}/docci@2024/docci_descriptions.jsonlines",
        "descriptions": {"file": "{data}/docci@2024/docci_descriptions.jsonlines", "words": [8]},
    },
    "voc": {"format": "voc", "root": "{data}/voc@2012/VOCdevkit/VOC2012"},
    "pascal-context": {"format": "pascal-context", "root": "{data}/pascal-context@2014/VOCdevkit/VOC2010"},
}
ROOTS = {
    "imagenet": ("val", "imagenet-val-images@ilsvrc2012"),
    "imagenet-v2": ("val", "imagenet-v2@2019"),
    "imagenet-sketch": ("test", "imagenet-sketch@2019"),
    "imagenet-a": ("test", "imagenet-a@2019"),
    "imagenet-r": ("test", "imagenet-r@2020"),
    "imagenet-o": ("test", "imagenet-o@2019"),
    "caltech-101": ("all", "caltech-101@2022/caltech-101"),
    "oxford-pets": ("test", "oxford-pets@2012"),
    "stanford-cars": ("test", "stanford-cars@2013"),
    "flowers-102": ("test", "flowers-102@2008"),
    "food-101": ("test", "food-101@2014/food-101"),
    "fgvc-aircraft": ("test", "fgvc-aircraft@2013b/fgvc-aircraft-2013b"),
    "sun397": ("test", "sun397@2010/SUN397"),
    "cub-200": ("test", "cub-200@2011/CUB_200_2011"),
    "ucf101": ("all", "ucf101@midframes"),
    "eurosat": ("all", "eurosat@2018"),
    "dtd": ("test", "dtd@r1.0.1/dtd"),
    "cifar-10": ("test", "cifar-10@binary"),
    "cifar-100": ("test", "cifar-100@binary"),
}
BLOCKS |= {
    name: {"format": name, "split": split, "root": f"{{data}}/{folder}"} for name, (split, folder) in ROOTS.items()
}


TRAINING = {
    "oxford-pets": "trainval",
    "stanford-cars": "train",
    "flowers-102": "train",
    "food-101": "train",
    "fgvc-aircraft": "trainval",
    "sun397": "train",
    "cub-200": "train",
    "ucf101": "train",
    "dtd": "train",
    "cifar-10": "train",
    "cifar-100": "train",
}
BLOCKS |= {f"{name}-train": BLOCKS[name] | {"split": split} for name, split in TRAINING.items()}


def keys_of(block):
    return [key for key in LAYOUTS if f"{{data}}/{key}/" in str(block).replace("'", "/")]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirror")
    with tiny_mirror(folder, images=IMAGES, rows=5) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        for key in LAYOUTS:
            unpack(running.sources, key)
        yield running


def layout_of(name):
    values = BLOCKS[name] | {"resources": keys_of(BLOCKS[name])}
    block = TypeAdapter(DatasetParams).validate_python(values)
    return Layout(SimpleNamespace(study="tiny", datasets={name: block}))


def test_every_row_of_the_table_is_served_and_every_data_set_is_read_by_some_block(mirror):
    names = read_sources(TABLE)[["name", "version"]].drop_duplicates().to_numpy().tolist()
    pools = {"laion400m@2021", "relaion400m@main", "cc3m@2018", "cc12m@2021", "sbu@2011", "pixmo-cap@2024"}
    pools |= {"localized-narratives@open-images-v6", "localized-narratives@coco-2017"}
    assert {f"{name}@{version}" for name, version in names} == pools | set(LAYOUTS)
    assert {key for block in BLOCKS.values() for key in keys_of(block)} == set(LAYOUTS)
    assert all(len(find_files(mirror.sources, key)) == len(find_files(TABLE, key)) for key in LAYOUTS)


@pytest.mark.parametrize("name", [name for name in BLOCKS if name not in ("voc", "pascal-context")])
def test_a_data_set_is_read_where_its_archives_unpack(mirror, name):
    dataset = open_dataset(layout_of(name), name)
    assert len(dataset.images) > 1
    assert len(dataset.texts) > 1
    assert dataset.class_names is None or len(dataset.class_names) > 1
    files = [Path(path) for path in dataset.images["path"] if not name.startswith("cifar")]
    assert all(mirror.folder in file.parents and file.stat().st_size for file in files)


@pytest.mark.parametrize("name", ["voc", "pascal-context"])
def test_masks_are_read_where_their_archives_unpack(mirror, name):
    masks = open_segmentation(layout_of(name), name)
    image, mask = masks.load(0)
    assert (len(masks), image.size) == (IMAGES, mask.shape[::-1])


def test_the_flat_files_of_imagenet_bear_the_classes_in_their_names(mirror):
    dataset = open_dataset(layout_of("imagenet"), "imagenet")
    assert dataset.images["label"].tolist() == [0, 0, 1, 1, 2, 2]
    assert dataset.class_names == [names.partition(",")[0] for names in SYNSETS.values()]


@pytest.mark.parametrize(
    ("name", "layout", "parts"),
    [
        ("laion400m@2021", "laion", 2),
        ("cc3m@2018", "cc3m", 1),
        ("cc12m@2021", "cc12m", 1),
        ("sbu@2011", "sbu", 1),
        ("pixmo-cap@2024", "pixmo-cap", 1),
        ("localized-narratives@open-images-v6", "localized-narratives", 1),
    ],
)
def test_the_pools_of_the_mirror_are_read_as_the_real_ones_are(mirror, tmp_path, name, layout, parts):
    source = find_source(mirror.sources, name)
    assert source.parts == parts
    path = fetch(source, parts - 1, tmp_path / "file")
    if source.member:
        path = extract_member(path, source.member, tmp_path / "member")
    table, _ = read_source_part(layout, path, source="x", part=0, slice_index=0, slices=1)
    assert len(table) == 5
    assert all(f"/{url.removeprefix('https://')}" in mirror.pages for url in table["url"])
