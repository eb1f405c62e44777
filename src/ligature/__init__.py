"""Ligature joins frozen vision encoders and frozen language encoders."""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("ligature")

LAZY = {"AlignedModel": "ligature.export"}
"""Names of the package that are imported when they are first used, since importing torch takes seconds."""


def __getattr__(name: str) -> Any:
    """Imports a name of ``LAZY``."""
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(LAZY[name]), name)
