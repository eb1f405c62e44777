"""Public data sets in miniature, each as its archives unpack, with real pictures."""

import json
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
from benchmark_files import touch, write, write_flowers_102
from PIL import Image
from scipy.io import savemat
from tiny_benchmarks import (
    write_aircraft,
    write_cars,
    write_cifar_10,
    write_cifar_100,
    write_cub,
    write_folders,
    write_food,
    write_pets,
    write_sun,
    write_textures,
    write_videos,
)

SIDES = (64, 48)
WORDS = (
    ("small", "large", "red", "yellow", "wooden", "quiet", "shining", "old", "green", "broken", "heavy", "bright"),
    ("bicycle", "cat", "boat", "kitchen", "horse", "tower", "garden", "train", "child", "bird", "lamp", "guitar"),
    ("standing", "seen", "left", "painted", "resting", "waiting", "shown", "placed"),
    ("near the river", "beside a brick wall", "on the table", "under tall trees", "in front of the house"),
    ("in the morning", "on a rainy day", "at sunset", "during the summer", "before the storm", "in winter"),
)
SYNSETS = {"n01440764": "tench, Tinca tinca", "n01443537": "goldfish, Carassius auratus", "n02084071": "dog, hound"}
LANGUAGES = ("de", "en", "fr", "ja", "es", "it", "ko", "pl", "ru", "tr", "zh")


def caption(name: str) -> str:
    """Returns an English sentence that belongs to a name."""
    rng = np.random.default_rng(crc32(name.encode()))
    chosen = [str(rng.choice(words)) for words in WORDS]
    return f"A {chosen[0]} {chosen[1]} {' '.join(chosen[2:])}, number {rng.integers(1000)}"


def picture(name: str) -> Image.Image:
    """Returns a smooth picture that belongs to a name."""
    corners = np.random.default_rng(crc32(name.encode())).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize(SIDES, Image.Resampling.BILINEAR)


def fill(folder: Path) -> None:
    """Makes pictures of the empty image files of a folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg") and not path.stat().st_size:
            picture(path.name).save(path, format="JPEG")


def coco_names(split: str, count: int) -> list[str]:
    return [f"{number:012d}.jpg" for number in range({"train": 0, "val": 1000}[split], count + 1000)][:count]


def coco_json(names: list[str], address: str) -> dict:
    images = [
        {"id": int(Path(name).stem, 16) % 2**40, "file_name": name, "coco_url": f"{address}{name}", "width": 64}
        | {"height": 48, "license": 1}
        for name in names
    ]
    captions = [
        {"id": 10 * number + turn, "image_id": image["id"], "caption": caption(f"{image['file_name']} {turn}")}
        for number, image in enumerate(images)
        for turn in range(5)
    ]
    return {"licenses": [{"id": 1, "name": "CC-BY"}], "images": images, "annotations": captions}


def write_json(root: Path, name: str, values: object) -> None:
    write(root, name, json.dumps(values))


def write_coco_annotations(root: Path, count: int) -> None:
    for split in ("train", "val"):
        address = f"http://images.cocodataset.org/{split}2017/"
        write_json(root, f"annotations/captions_{split}2017.json", coco_json(coco_names(split, count), address))


def write_coco_2017(split: str) -> Callable[[Path, int], None]:
    return lambda root, count: touch(root, *(f"{split}2017/{name}" for name in coco_names(split, count)))


def names_2014(count: int) -> list[str]:
    half = count // 2
    train = [f"COCO_train2014_{name}" for name in coco_names("train", half)]
    return train + [f"COCO_val2014_{name}" for name in coco_names("val", count)]


def write_coco_2014(root: Path, count: int) -> None:
    touch(root, *(f"{name.split('_')[1]}/{name}" for name in names_2014(count)))


def write_coco_val_2014(root: Path, count: int) -> None:
    touch(root, *(f"val2014/{name}" for name in names_2014(count) if "val2014" in name))


def flickr_names(count: int) -> list[str]:
    return [f"{1000092795 + number}.jpg" for number in range(count)]


def write_karpathy(root: Path, count: int) -> None:
    coco = [{"filename": name, "filepath": name.split("_")[1]} for name in names_2014(count)]
    for number, entry in enumerate(coco):
        entry |= {"cocoid": number, "split": "test" if entry["filepath"] == "val2014" else "train"}
    flickr = [{"filename": name, "split": "test"} for name in flickr_names(count)]
    for dataset, entries in (("coco", coco), ("flickr30k", flickr), ("flickr8k", flickr[:2])):
        for entry in entries:
            entry["sentences"] = [{"raw": caption(f"{entry['filename']} {turn}")} for turn in range(5)]
        write_json(root, f"dataset_{dataset}.json", {"images": entries})


def write_nocaps(root: Path, count: int) -> None:
    names = [f"{number:016x}.jpg" for number in range(1, count + 1)]
    values = coco_json(names, "https://s3.amazonaws.com/nocaps/val/")
    write_json(root, "nocaps_val_4500_captions.json", values)


def write_imagenet(split: str) -> Callable[[Path, int], None]:
    def writer(root: Path, count: int) -> None:
        write(root, "LOC_synset_mapping.txt", *(f"{key} {names}" for key, names in SYNSETS.items()))
        for number in range(count):
            synset = list(SYNSETS)[number % len(SYNSETS)]
            stem = f"ILSVRC2012_val_{number:08d}" if split == "val" else f"{synset}_{number}"
            touch(root, f"{split}/{stem}_{synset}.JPEG")

    return writer


def write_imagenet_v2(root: Path, count: int) -> None:
    write(root, "LOC_synset_mapping.txt", *(f"{key} {names}" for key, names in SYNSETS.items()))
    folder = "imagenetv2-matched-frequency-format-val"
    touch(root, *(f"{folder}/{number % len(SYNSETS)}/{number:040x}.jpeg" for number in range(count)))


def write_imagenet_shift(folder: str) -> Callable[[Path, int], None]:
    def writer(root: Path, count: int) -> None:
        write(root, "LOC_synset_mapping.txt", *(f"{key} {names}" for key, names in SYNSETS.items()))
        write(root, f"{folder}/README.txt", *(f"{key} {names.partition(',')[0]}" for key, names in SYNSETS.items()))
        keys = list(SYNSETS)
        touch(root, *(f"{folder}/{keys[number % len(keys)]}/{number}.jpg" for number in range(count)))

    return writer


def write_voc(root: Path, count: int) -> None:
    folder = root / "VOCdevkit/VOC2012"
    names = [f"2007_{number:06d}" for number in range(count)]
    write(folder, "ImageSets/Segmentation/val.txt", *names)
    touch(folder, *(f"JPEGImages/{name}.jpg" for name in names))
    (folder / "SegmentationClass").mkdir()
    for number, name in enumerate(names):
        mask = np.zeros(SIDES[::-1], np.uint8)
        mask[10:30, 10:40] = 1 + number % 20
        Image.fromarray(mask).save(folder / f"SegmentationClass/{name}.png")


def write_pascal_context(root: Path, count: int) -> None:
    folder = root / "VOCdevkit/VOC2010"
    names = [f"2008_{number:06d}" for number in range(count)]
    write(folder, "ImageSets/Main/val.txt", *names)
    touch(folder, *(f"JPEGImages/{name}.jpg" for name in names))
    write(folder, "labels.txt", "1: accordion", "2: aeroplane", "3: air conditioner", "4: sky")
    write(folder, "59_labels.txt", "1: aeroplane", "2: sky")
    (folder / "trainval").mkdir()
    for name in names:
        labels = np.full(SIDES[::-1], 4, np.uint16)
        labels[10:30, 10:40] = 2
        savemat(folder / f"trainval/{name}.mat", {"LabelMap": labels})


def write_xtd10(root: Path, count: int) -> None:
    names = names_2014(count)
    write(root, "test_image_names.txt", *names)
    for language in LANGUAGES:
        write(root, f"test_1kcaptions_{language}.txt", *(caption(f"{name} {language}") for name in names))


def write_multi30k(root: Path, count: int) -> None:
    names = flickr_names(count)
    write(root, "test_2016_flickr.txt", *names)
    for language in ("cs", "de", "en", "fr"):
        write(root, f"test_2016_flickr.{language}", *(caption(f"{name} {language}") for name in names))


def write_docci(root: Path, count: int) -> None:
    names = [f"test_{number:05d}" for number in range(count)]
    touch(root, *(f"images/{name}.jpg" for name in names))
    lines = [
        {"type": "description", "split": "test", "example_id": name, "image_file": f"{name}.jpg"}
        | {"description": " ".join(f"{caption(f'{name} {turn}')}." for turn in range(6))}
        for name in names
    ]
    write(root, "docci_descriptions.jsonlines", *map(json.dumps, lines))


def below(folder: str, writer: Callable[[Path], object]) -> Callable[[Path, int], None]:
    """Returns a writer of one of the small benchmarks below a folder of the archive."""
    return lambda root, count: writer(root / folder)


LAYOUTS: dict[str, Callable[[Path, int], None]] = {
    "coco-annotations@2017": write_coco_annotations,
    "coco-train-images@2017": write_coco_2017("train"),
    "coco-val-images@2017": write_coco_2017("val"),
    "coco-images@2014": write_coco_2014,
    "coco-val-images@2014": write_coco_val_2014,
    "karpathy-splits@2015": write_karpathy,
    "flickr30k-images@2014": lambda root, count: touch(
        root, *(f"flickr30k-images/{name}" for name in flickr_names(count))
    ),
    "nocaps@2018": write_nocaps,
    "imagenet-val-images@ilsvrc2012": write_imagenet("val"),
    "imagenet-train-images@ilsvrc2012": write_imagenet("train"),
    "imagenet-v2@2019": write_imagenet_v2,
    "imagenet-sketch@2019": write_imagenet_shift("sketch"),
    "imagenet-a@2019": write_imagenet_shift("imagenet-a"),
    "imagenet-r@2020": write_imagenet_shift("imagenet-r"),
    "imagenet-o@2019": write_imagenet_shift("imagenet-o"),
    "caltech-101@2022": below(
        "caltech-101/101_ObjectCategories", write_folders("wild_cat", "Faces_easy", "BACKGROUND_Google")
    ),
    "oxford-pets@2012": below("", write_pets),
    "stanford-cars@2013": below("", write_cars),
    "flowers-102@2008": below("", write_flowers_102),
    "food-101@2014": below("food-101", write_food),
    "fgvc-aircraft@2013b": below("fgvc-aircraft-2013b", write_aircraft),
    "sun397@2010": below("SUN397", write_sun),
    "cub-200@2011": below("CUB_200_2011", write_cub),
    "ucf101@midframes": below("", write_videos),
    "eurosat@2018": below("2750", write_folders("SeaLake", "AnnualCrop")),
    "dtd@r1.0.1": below("dtd", write_textures),
    "cifar-10@binary": below("", write_cifar_10),
    "cifar-100@binary": below("", write_cifar_100),
    "voc@2012": write_voc,
    "pascal-context@2014": write_pascal_context,
    "xtd10@2020": write_xtd10,
    "multi30k@test-2016": write_multi30k,
    "docci@2024": write_docci,
}
"""How the folder of every public data set looks, by the key of its rows."""
