"""Reading a benchmark by the name of its format: which splits it has, and whose names its classes bear."""

from collections.abc import Callable
from pathlib import Path

from ligature.data.benchmarks import cifar, class_folders, cub, imagenet, imagenet_shifts, matlab, name_lists
from ligature.data.benchmarks.labelled import LabelledImages
from ligature.data.prompts.class_names import names_of, read_class_names
from ligature.errors import DataError, ParamsError

Reader = Callable[[Path, str], LabelledImages]

READERS: dict[str, tuple[Reader, tuple[str, ...]]] = {
    "imagenet": (imagenet.read_imagenet, ("val", "train")),
    "imagenet-v2": (imagenet.read_imagenet_v2, ("val",)),
    "imagenet-sketch": (imagenet_shifts.read_imagenet_sketch, ("test",)),
    "imagenet-a": (imagenet_shifts.read_imagenet_a, ("test",)),
    "imagenet-r": (imagenet_shifts.read_imagenet_r, ("test",)),
    "imagenet-o": (imagenet_shifts.read_imagenet_o, ("test",)),
    "caltech-101": (class_folders.read_caltech_101, ("all",)),
    "oxford-pets": (name_lists.read_oxford_pets, ("test", "trainval")),
    "stanford-cars": (matlab.read_stanford_cars, ("test", "train")),
    "flowers-102": (matlab.read_flowers_102, ("test", "train", "val")),
    "food-101": (name_lists.read_food_101, ("test", "train")),
    "fgvc-aircraft": (name_lists.read_fgvc_aircraft, ("test", "train", "val", "trainval")),
    "sun397": (name_lists.read_sun397, ("all", "test", "train")),
    "cub-200": (cub.read_cub_200, ("test", "train")),
    "ucf101": (class_folders.read_ucf101, ("all", "test", "train")),
    "eurosat": (class_folders.read_eurosat, ("all",)),
    "dtd": (name_lists.read_dtd, ("test", "train", "val")),
    "cifar-10": (cifar.read_cifar_10, ("test", "train")),
    "cifar-100": (cifar.read_cifar_100, ("test", "train")),
}
"""Reader and splits of every format; the first split is the one that papers report."""


def list_benchmark(kind: str, root: Path, *, split: str, classes: Path | None = None) -> LabelledImages:
    """Reads the images of one split of a public benchmark, unpacked as its authors pack it.

    Args:
        kind: format, a key of ``READERS``.
        root: folder of the unpacked release.
        split: one of the format's.
        classes: tab-separated class keys and names, in place of the release's names.

    Raises:
        ParamsError: for a split that the format does not have.
        DataError: naming the file, image or class that is wrong.
    """
    reader, splits = READERS[kind]
    if split not in splits:
        raise ParamsError(f"format {kind}: unknown split {split!r}; set split to one of: {', '.join(splits)}")
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; check the root of the data set in the study")
    found = reader(root, split)
    if classes is not None:
        return LabelledImages(names_of(found.classes, read_class_names(classes), classes), found.images)
    nameless = [key for key, name in found.classes.items() if not name]
    if nameless:
        raise DataError(
            f"{root}: no name for class {nameless[0]!r}; name a file of class keys and names under `classes`"
        )
    return found
