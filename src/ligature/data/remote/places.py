"""Where public data are unpacked: one folder a data set, shared by all studies."""

import os
from pathlib import Path

MARKER = "unpacked.json"
"""File that is written last into the folder of a data set."""


def data_folder() -> Path:
    """Returns the folder that ``{data}`` stands for: that of the variable ``LIGATURE_DATA``, or ``data``."""
    return Path(os.environ.get("LIGATURE_DATA") or "data")


def resource_folder(key: str) -> Path:
    """Returns where the resource ``NAME@VERSION`` is unpacked."""
    return data_folder() / key


def resource_marker(key: str) -> Path:
    """Returns the file that says that the resource is unpacked whole."""
    return resource_folder(key) / MARKER
