"""Public benchmarks in miniature, each in the layout of its own release."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

FLOWERS = 102


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def write(root: Path, name: str, *lines: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_mapping(root: Path) -> None:
    write(root, "LOC_synset_mapping.txt", "n01 tench, Tinca tinca", "n02 great white shark, man-eater")


def write_imagenet(root: Path) -> None:
    write_mapping(root)
    touch(root, "val/n02/b.JPEG", "val/n02/a.JPEG", "val/n01/c.JPEG", "train/n01/t.JPEG", "train/n02/u.JPEG")


def write_imagenet_flat(root: Path) -> None:
    write_mapping(root)
    write(root, "LOC_val_solution.csv", "ImageId,PredictionString", "v_2,n01 1 2 3 4 n01 5 6 7 8 ", "v_1,n02 1 2 3 4 ")
    touch(root, "ILSVRC/Data/CLS-LOC/val/v_1.JPEG", "ILSVRC/Data/CLS-LOC/val/v_2.JPEG")


def write_imagenet_v2(root: Path) -> None:
    """Eleven classes, so that numbers sorted as text come in another order."""
    write(root, "LOC_synset_mapping.txt", *(f"n{number:02d} thing {number}, synonym" for number in range(11)))
    touch(root, *(f"imagenetv2-matched-frequency-format-val/{number}/x{number}.jpeg" for number in range(11)))


def write_imagenet_shift(root: Path, folder: str) -> None:
    """Two classes of ImageNet, as its shifted kin come: named by their synsets, and listed with underscores."""
    classes = {"n01440764": "tench, Tinca tinca", "n02319095": "sea urchin"}
    write(root, "LOC_synset_mapping.txt", *(f"{key} {names}" for key, names in classes.items()))
    write(root, f"{folder}/README.txt", "Classes:", "n02319095 sea_urchin", "n01440764 tench")
    touch(root, f"{folder}/n02319095/b.JPEG", f"{folder}/n02319095/a.JPEG", f"{folder}/n01440764/c.jpg")


def write_caltech_101(root: Path) -> None:
    folder = "101_ObjectCategories"
    touch(root, f"{folder}/BACKGROUND_Google/tmp", f"{folder}/BACKGROUND_Google/image_0001.jpg")
    touch(root, f"{folder}/wild_cat/image_0001.jpg", f"{folder}/Faces_easy/image_0002.jpg")


def write_oxford_pets(root: Path) -> None:
    write(root, "annotations/test.txt", "# image class species breed", "great_pyrenees_7 2 2 1", "Abyssinian_201 1 1 1")
    touch(root, "images/great_pyrenees_7.jpg", "images/Abyssinian_201.jpg", "images/Abyssinian_1.jpg")


def cells(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def records(**columns: list) -> np.ndarray:
    """Returns a struct array of MATLAB."""
    table = np.empty((1, len(next(iter(columns.values())))), dtype=[(name, object) for name in columns])
    for name, values in columns.items():
        for place, value in enumerate(values):
            table[name][0, place] = value
    return table


def write_stanford_cars(root: Path, classes: tuple[int, ...] = (2, 1), count: int = 2) -> None:
    (root / "devkit").mkdir(parents=True)
    names = cells("Audi TT RS Coupe 2012", "AM General Hummer SUV 2000")[:count]
    savemat(root / "devkit/cars_meta.mat", {"class_names": names})
    annotations = records(bbox_x1=[1, 1], **{"class": list(classes)}, fname=["00002.jpg", "00001.jpg"])
    savemat(root / "cars_test_annos_withlabels.mat", {"annotations": annotations})
    touch(root, "cars_test/00001.jpg", "cars_test/00002.jpg")


def write_stanford_cars_in_one(root: Path) -> None:
    names = [f"car_ims/00000{number}.jpg" for number in (1, 2, 3)]
    annotations = records(relative_im_path=names, **{"class": [1, 2, 1]}, test=[0, 1, 1])
    root.mkdir(exist_ok=True)
    savemat(root / "cars_annos.mat", {"annotations": annotations, "class_names": cells("Audi TT", "BMW X3")})
    touch(root, *names)


def write_flowers_102(root: Path) -> None:
    """Two images a class, of which the second is a test image; labels count down."""
    root.mkdir(exist_ok=True)
    labels = np.repeat(np.arange(FLOWERS, 0, -1), 2)
    savemat(root / "imagelabels.mat", {"labels": labels[None]})
    ids = np.arange(1, 2 * FLOWERS + 1)
    savemat(root / "setid.mat", {"trnid": ids[None, ::2], "valid": ids[None, ::2], "tstid": ids[None, 1::2]})
    touch(root, *(f"jpg/image_{number:05d}.jpg" for number in ids))


def write_food_101(root: Path) -> None:
    write(root, "meta/classes.txt", "apple_pie", "tacos")
    write(root, "meta/test.txt", "tacos/12", "apple_pie/34", "apple_pie/9")
    touch(root, "images/tacos/12.jpg", "images/apple_pie/34.jpg", "images/apple_pie/9.jpg", "images/tacos/99.jpg")


def write_fgvc_aircraft(root: Path) -> None:
    write(root, "data/variants.txt", "707-320", "F-16A/B", "Eurofighter Typhoon")
    write(root, "data/images_variant_test.txt", "15 Eurofighter Typhoon", "14 707-320", "3 F-16A/B")
    touch(root, "data/images/15.jpg", "data/images/14.jpg", "data/images/3.jpg")


def write_sun397(root: Path) -> None:
    write(root, "ClassName.txt", "/a/abbey", "/a/apartment_building/outdoor")
    write(root, "Testing_01.txt", "/a/apartment_building/outdoor/sun_b.jpg", "/a/abbey/sun_a.jpg")
    touch(root, "a/apartment_building/outdoor/sun_b.jpg", "a/abbey/sun_a.jpg", "a/abbey/sun_c.jpg")


def write_cub_200(root: Path) -> None:
    names = ["001.Black_footed_Albatross/b.jpg", "002.Laysan_Albatross/a.jpg", "001.Black_footed_Albatross/c.jpg"]
    write(root, "images.txt", *(f"{number} {name}" for number, name in enumerate(names, start=1)))
    write(root, "image_class_labels.txt", "1 1", "2 2", "3 1")
    write(root, "train_test_split.txt", "1 0", "2 0", "3 1")
    write(root, "classes.txt", "1 001.Black_footed_Albatross", "2 002.Laysan_Albatross")
    touch(root, *(f"images/{name}" for name in names))


def write_ucf101(root: Path) -> None:
    touch(root, "UCF-101-midframes/YoYo/v_YoYo_g01_c01.jpg", "UCF-101-midframes/YoYo/v_YoYo_g09_c01.jpg")
    touch(root, "UCF-101-midframes/HandstandPushups/v_HandstandPushups_g01_c01.jpg")
    lines = ["YoYo/v_YoYo_g01_c01.avi", "HandstandPushups/v_HandStandPushups_g01_c01.avi"]
    write(root, "ucfTrainTestlist/testlist01.txt", *lines)
    write(root, "ucfTrainTestlist/trainlist01.txt", "YoYo/v_YoYo_g09_c01.avi 2", f"{lines[1]} 1")


def write_eurosat(root: Path) -> None:
    touch(root, "2750/SeaLake/SeaLake_1.jpg", "2750/AnnualCrop/AnnualCrop_2.jpg", "2750/AnnualCrop/AnnualCrop_10.jpg")


def write_dtd(root: Path) -> None:
    write(root, "labels/test1.txt", "zig_zagged/z_2.jpg", "banded/b_1.jpg")
    touch(root, "images/zig_zagged/z_2.jpg", "images/banded/b_1.jpg", "images/banded/.directory")


def write_cifar(root: Path, folder: str, labels: np.ndarray, batch: str, names: str, classes: list[str]) -> np.ndarray:
    """Writes records of label bytes and random pixels; returns the pixels, [n, 32, 32, 3] uint8."""
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 3, 32, 32), np.uint8)
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / batch).write_bytes(np.hstack([labels, pixels.reshape(len(labels), -1)]).tobytes())
    write(root, f"{folder}/{names}", *classes, "")
    return pixels.transpose(0, 2, 3, 1)


def write_cifar_10(root: Path) -> np.ndarray:
    labels = np.array([[1], [0], [1]], np.uint8)
    return write_cifar(root, "cifar-10-batches-bin", labels, "test_batch.bin", "batches.meta.txt", ["airplane", "cat"])


def write_cifar_100(root: Path) -> np.ndarray:
    labels = np.array([[9, 1], [9, 0]], np.uint8)
    return write_cifar(root, "cifar-100-binary", labels, "test.bin", "fine_label_names.txt", ["aquarium_fish", "bee"])
