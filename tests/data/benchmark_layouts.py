"""What must be read of every benchmark in miniature."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmark_files import (
    write_caltech_101,
    write_cifar_10,
    write_cifar_100,
    write_cub_200,
    write_dtd,
    write_eurosat,
    write_fgvc_aircraft,
    write_food_101,
    write_imagenet,
    write_imagenet_flat,
    write_imagenet_shift,
    write_imagenet_v2,
    write_oxford_pets,
    write_stanford_cars,
    write_stanford_cars_in_one,
    write_sun397,
    write_ucf101,
)

Expected = list[tuple[str, str]]
LAYOUTS: dict[str, tuple[str, Callable[[Path], object], str, Expected]] = {
    "imagenet": (
        "imagenet",
        write_imagenet,
        "val",
        [
            ("val/n01/c.JPEG", "tench"),
            ("val/n02/a.JPEG", "great white shark"),
            ("val/n02/b.JPEG", "great white shark"),
        ],
    ),
    "imagenet train": (
        "imagenet",
        write_imagenet,
        "train",
        [("train/n01/t.JPEG", "tench"), ("train/n02/u.JPEG", "great white shark")],
    ),
    "imagenet flat": (
        "imagenet",
        write_imagenet_flat,
        "val",
        [
            ("ILSVRC/Data/CLS-LOC/val/v_2.JPEG", "tench"),
            ("ILSVRC/Data/CLS-LOC/val/v_1.JPEG", "great white shark"),
        ],
    ),
    "imagenet-v2": (
        "imagenet-v2",
        write_imagenet_v2,
        "val",
        [(f"imagenetv2-matched-frequency-format-val/{n}/x{n}.jpeg", f"thing {n}") for n in range(11)],
    ),
    **{
        kind: (
            kind,
            partial(write_imagenet_shift, folder=folder),
            "test",
            [
                (f"{folder}/n01440764/c.jpg", "tench"),
                (f"{folder}/n02319095/a.JPEG", "sea urchin"),
                (f"{folder}/n02319095/b.JPEG", "sea urchin"),
            ],
        )
        for kind, folder in {
            "imagenet-sketch": "sketch",
            "imagenet-a": "imagenet-a",
            "imagenet-r": "imagenet-r",
            "imagenet-o": "imagenet-o",
        }.items()
    },
    "caltech-101": (
        "caltech-101",
        write_caltech_101,
        "all",
        [
            ("101_ObjectCategories/Faces_easy/image_0002.jpg", "Faces easy"),
            ("101_ObjectCategories/wild_cat/image_0001.jpg", "wild cat"),
        ],
    ),
    "oxford-pets": (
        "oxford-pets",
        write_oxford_pets,
        "test",
        [("images/Abyssinian_201.jpg", "Abyssinian"), ("images/great_pyrenees_7.jpg", "great pyrenees")],
    ),
    "stanford-cars": (
        "stanford-cars",
        write_stanford_cars,
        "test",
        [("cars_test/00001.jpg", "Audi TT RS Coupe 2012"), ("cars_test/00002.jpg", "AM General Hummer SUV 2000")],
    ),
    "stanford-cars in one": (
        "stanford-cars",
        write_stanford_cars_in_one,
        "test",
        [("car_ims/000003.jpg", "Audi TT"), ("car_ims/000002.jpg", "BMW X3")],
    ),
    "food-101": (
        "food-101",
        write_food_101,
        "test",
        [
            ("images/apple_pie/34.jpg", "apple pie"),
            ("images/apple_pie/9.jpg", "apple pie"),
            ("images/tacos/12.jpg", "tacos"),
        ],
    ),
    "fgvc-aircraft": (
        "fgvc-aircraft",
        write_fgvc_aircraft,
        "test",
        [
            ("data/images/14.jpg", "707-320"),
            ("data/images/3.jpg", "F-16A/B"),
            ("data/images/15.jpg", "Eurofighter Typhoon"),
        ],
    ),
    "sun397": (
        "sun397",
        write_sun397,
        "test",
        [("a/abbey/sun_a.jpg", "abbey"), ("a/apartment_building/outdoor/sun_b.jpg", "apartment building outdoor")],
    ),
    "sun397 all": (
        "sun397",
        write_sun397,
        "all",
        [
            ("a/abbey/sun_a.jpg", "abbey"),
            ("a/abbey/sun_c.jpg", "abbey"),
            ("a/apartment_building/outdoor/sun_b.jpg", "apartment building outdoor"),
        ],
    ),
    "cub-200": (
        "cub-200",
        write_cub_200,
        "test",
        [
            ("images/001.Black_footed_Albatross/b.jpg", "Black footed Albatross"),
            ("images/002.Laysan_Albatross/a.jpg", "Laysan Albatross"),
        ],
    ),
    "ucf101": (
        "ucf101",
        write_ucf101,
        "all",
        [
            ("UCF-101-midframes/HandstandPushups/v_HandstandPushups_g01_c01.jpg", "handstand pushups"),
            ("UCF-101-midframes/YoYo/v_YoYo_g01_c01.jpg", "yo yo"),
            ("UCF-101-midframes/YoYo/v_YoYo_g09_c01.jpg", "yo yo"),
        ],
    ),
    "ucf101 test": (
        "ucf101",
        write_ucf101,
        "test",
        [
            ("UCF-101-midframes/HandstandPushups/v_HandstandPushups_g01_c01.jpg", "handstand pushups"),
            ("UCF-101-midframes/YoYo/v_YoYo_g01_c01.jpg", "yo yo"),
        ],
    ),
    "eurosat": (
        "eurosat",
        write_eurosat,
        "all",
        [
            ("2750/AnnualCrop/AnnualCrop_10.jpg", "annual crop"),
            ("2750/AnnualCrop/AnnualCrop_2.jpg", "annual crop"),
            ("2750/SeaLake/SeaLake_1.jpg", "sea lake"),
        ],
    ),
    "dtd": (
        "dtd",
        write_dtd,
        "test",
        [("images/banded/b_1.jpg", "banded"), ("images/zig_zagged/z_2.jpg", "zig zagged")],
    ),
    "cifar-10": (
        "cifar-10",
        write_cifar_10,
        "test",
        [
            ("test_batch.bin/00001", "airplane"),
            ("test_batch.bin/00000", "cat"),
            ("test_batch.bin/00002", "cat"),
        ],
    ),
    "cifar-100": (
        "cifar-100",
        write_cifar_100,
        "test",
        [("test.bin/00001", "aquarium fish"), ("test.bin/00000", "bee")],
    ),
}
"""Of every layout: format, writer, split, and the ids and class names that must be read, in order."""
