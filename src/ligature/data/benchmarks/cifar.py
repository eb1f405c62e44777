"""CIFAR-10 and CIFAR-100 in their binary releases; images are read in place, as raw pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ligature.data.benchmarks.labelled import LabelledImages, label_rows, list_lines
from ligature.data.images import raw_path
from ligature.errors import DataError

SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_BATCH_BYTES = 1 << 30


@dataclass(frozen=True)
class _Release:
    folder: str
    pickled: str
    names: str
    label_bytes: int
    files: dict[str, list[str]]


CIFAR_10 = _Release(
    "cifar-10-batches-bin",
    "cifar-10-batches-py",
    "batches.meta.txt",
    1,
    {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]},
)
CIFAR_100 = _Release(
    "cifar-100-binary",
    "cifar-100-python",
    "fine_label_names.txt",
    2,
    {"train": ["train.bin"], "test": ["test.bin"]},
)


def read_cifar_10(root: Path, split: str) -> LabelledImages:
    """Reads ``cifar-10-batches-bin``; class keys are the names of ``batches.meta.txt``.

    Raises:
        DataError: for the pickled release, a file that is no whole number of records, or a label out of range.
    """
    return _read(CIFAR_10, root, split)


def read_cifar_100(root: Path, split: str) -> LabelledImages:
    """Reads the fine classes of ``cifar-100-binary``; class keys are the names of ``fine_label_names.txt``.

    Raises:
        DataError: as ``read_cifar_10`` does.
    """
    return _read(CIFAR_100, root, split)


def _read(release: _Release, root: Path, split: str) -> LabelledImages:
    folder = _folder(release, root)
    keys = list_lines(folder / release.names)
    rows = []
    for name in release.files[split]:
        file = folder / name
        labels = _labels(file, release.label_bytes)
        if len(labels) and labels.max() >= len(keys):
            raise DataError(f"{file}: label {labels.max()} is out of range 0 to {len(keys) - 1} of {release.names}")
        for number, label in enumerate(labels):
            offset = number * (release.label_bytes + PIXELS) + release.label_bytes
            rows.append((f"{name}/{number:05d}", raw_path(file, offset, SIDE, SIDE), keys[label]))
    return label_rows({key: key.replace("_", " ") for key in keys}, rows, folder / release.names)


def _folder(release: _Release, root: Path) -> Path:
    for folder in (root / release.folder, root):
        if (folder / release.names).is_file():
            return folder
    pickled = any(
        (folder / "meta").is_file() or (folder / "batches.meta").is_file() for folder in _pickled(release, root)
    )
    if pickled:
        raise DataError(f"{root}: the python release is pickled and is not read; take the binary one, {release.folder}")
    raise DataError(f"{root / release.folder / release.names}: missing; unpack the binary release there")


def _pickled(release: _Release, root: Path) -> tuple[Path, Path]:
    return root, root / release.pickled


def _labels(file: Path, label_bytes: int) -> np.ndarray:
    """Returns the last label byte of every record; CIFAR-100 has the coarse label before the fine one."""
    try:
        size = file.stat().st_size
        record = label_bytes + PIXELS
        if size % record or size > MAX_BATCH_BYTES:
            raise DataError(f"{file}: {size} bytes are no whole number of records of {record}; download it again")
        return np.fromfile(file, np.uint8).reshape(-1, record)[:, label_bytes - 1]
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); unpack the binary release again") from error
