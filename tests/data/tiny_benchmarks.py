"""Benchmarks in miniature with both of their splits, every class in each, as their releases lie."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmark_files import cells, records, touch, write
from scipy.io import savemat

Writer = Callable[[Path], None]
EACH = 3
"""Images of every class in either split."""


def numbers(first: int) -> range:
    return range(first, first + EACH)


def write_pets(root: Path) -> None:
    for first, split in ((1, "trainval"), (101, "test")):
        names = [f"{breed}_{number}" for breed in ("Abyssinian", "great_pyrenees") for number in numbers(first)]
        lines = [f"{name} {1 + name.startswith('great')} 1 1" for name in names]
        write(root, f"annotations/{split}.txt", "# image class species breed", *lines)
        touch(root, *(f"images/{name}.jpg" for name in names))


def write_cars(root: Path) -> None:
    (root / "devkit").mkdir(parents=True)
    savemat(
        root / "devkit/cars_meta.mat", {"class_names": cells("AM General Hummer SUV 2000", "Audi TT RS Coupe 2012")}
    )
    places = {"train": "devkit/cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
    for split, place in places.items():
        names = [f"{number:05d}.jpg" for number in range(1, 2 * EACH + 1)]
        labels = [1 + number % 2 for number in range(2 * EACH)]
        annotations = records(bbox_x1=labels, **{"class": labels}, fname=names)
        savemat(root / place, {"annotations": annotations})
        touch(root, *(f"cars_{split}/{name}" for name in names))


def write_food(root: Path) -> None:
    write(root, "meta/classes.txt", "apple_pie", "tacos")
    for first, split in ((1, "train"), (101, "test")):
        names = [f"{key}/{number}" for key in ("apple_pie", "tacos") for number in numbers(first)]
        write(root, f"meta/{split}.txt", *names)
        touch(root, *(f"images/{name}.jpg" for name in names))


def write_aircraft(root: Path) -> None:
    variants = ("707-320", "F-16A/B", "Eurofighter Typhoon")
    write(root, "data/variants.txt", *variants)
    for first, split in ((1, "train"), (101, "val"), (201, "trainval"), (301, "test")):
        rows = [f"{number + 10 * place} {key}" for place, key in enumerate(variants) for number in numbers(first)]
        write(root, f"data/images_variant_{split}.txt", *rows)
        touch(root, *(f"data/images/{row.split()[0]}.jpg" for row in rows))


def write_sun(root: Path) -> None:
    keys = ("a/abbey", "a/apartment_building/outdoor")
    write(root, "ClassName.txt", *(f"/{key}" for key in keys))
    for first, split in ((1, "Training_01"), (101, "Testing_01")):
        names = [f"{key}/sun_{number}.jpg" for key in keys for number in numbers(first)]
        write(root, f"{split}.txt", *(f"/{name}" for name in names))
        touch(root, *names)


def write_cub(root: Path) -> None:
    keys = ["001.Black_footed_Albatross", "002.Laysan_Albatross"]
    rows = [
        (f"{key}/{number}_{train}.jpg", place, train)
        for place, key in enumerate(keys, start=1)
        for train in (0, 1)
        for number in numbers(1)
    ]
    lines = list(enumerate(rows, start=1))
    write(root, "images.txt", *(f"{line} {name}" for line, (name, _, _) in lines))
    write(root, "image_class_labels.txt", *(f"{line} {place}" for line, (_, place, _) in lines))
    write(root, "train_test_split.txt", *(f"{line} {train}" for line, (_, _, train) in lines))
    write(root, "classes.txt", *(f"{place} {key}" for place, key in enumerate(keys, start=1)))
    touch(root, *(f"images/{name}" for name, _, _ in rows))


def write_videos(root: Path) -> None:
    for first, split in ((1, "testlist01"), (8, "trainlist01")):
        names = [
            f"{key}/v_{key}_g{number:02d}_c01" for key in ("HandstandPushups", "YoYo") for number in numbers(first)
        ]
        write(root, f"ucfTrainTestlist/{split}.txt", *(f"{name}.avi" for name in names))
        touch(root, *(f"UCF-101-midframes/{name}.jpg" for name in names))


def write_textures(root: Path) -> None:
    for first, split in ((1, "train1"), (101, "val1"), (201, "test1")):
        names = [f"{key}/{key}_{number}.jpg" for key in ("banded", "zig_zagged") for number in numbers(first)]
        write(root, f"labels/{split}.txt", *names)
        touch(root, *(f"images/{name}" for name in names))


def write_folders(*keys: str) -> Writer:
    """Returns a writer of one folder of images a class."""
    return lambda root: touch(root, *(f"{key}/{Path(key).name}_{number}.jpg" for key in keys for number in numbers(1)))


def write_cifar(folder: str, coarse: bool, names: str, files: dict[str, int], classes: list[str]) -> Writer:
    """Returns a writer of records of label bytes and random pixels, one of each class at least."""

    def writer(root: Path) -> None:
        write(root, f"{folder}/{names}", *classes)
        for name, count in files.items():
            labels = np.arange(count, dtype=np.uint8)[:, None] % len(classes)
            pixels = np.random.default_rng(count).integers(0, 256, (count, 3072), np.uint8)
            content = np.hstack([labels, labels, pixels] if coarse else [labels, pixels])
            (root / folder / name).write_bytes(content.tobytes())

    return writer


BATCHES = {f"data_batch_{number}.bin": 2 for number in range(1, 6)} | {"test_batch.bin": 4}
write_cifar_10 = write_cifar("cifar-10-batches-bin", False, "batches.meta.txt", BATCHES, ["airplane", "cat"])
write_cifar_100 = write_cifar(
    "cifar-100-binary", True, "fine_label_names.txt", {"train.bin": 6, "test.bin": 4}, ["aquarium_fish", "bee"]
)
