"""Overlays as the page shows them: the picture encoded again, its classes with their colours."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ligature.reporting.text import bounded
from ligature.reporting.thumbnails import data_uri

LARGEST_SIDE = 4096
"""Pixels; a larger picture is none of ours and is not decoded."""
COLOUR = re.compile(r"#[0-9a-f]{6}")
NO_COLOUR = "#808080"


@dataclass(frozen=True)
class Swatch:
    """A class with its colour, and where it stands if not in both masks."""

    name: str
    colour: str
    note: str = ""


@dataclass(frozen=True)
class Overlay:
    """A photograph, its true and its predicted mask side by side; ``uri`` is None for a broken picture."""

    title: str
    uri: str | None
    swatches: list[Swatch]


def overlay_pictures(entries: list[dict[str, Any]]) -> list[Overlay]:
    """Returns the pictures in the order given.

    Args:
        entries: ``dataset``, ``id``, ``file`` (a path), ``classes`` that are there, ``predicted`` ones, and the
            ``colours`` of both by name.
    """
    return [
        Overlay(f"{bounded(entry['dataset'])}, {bounded(entry['id'])}", _picture(entry["file"]), _swatches(entry))
        for entry in entries
    ]


def _swatches(entry: dict[str, Any]) -> list[Swatch]:
    truth, predicted = entry["classes"], entry["predicted"]
    return [
        Swatch(bounded(name, 40), _colour(entry["colours"].get(name)), _note(name in truth, name in predicted))
        for name in dict.fromkeys([*truth, *predicted])
    ]


def _note(there: bool, found: bool) -> str:
    if there and found:
        return ""
    return "missed" if there else "not there"


def _colour(value: Any) -> str:
    """Returns a colour that may stand in a style; grey for anything else."""
    return value if isinstance(value, str) and COLOUR.fullmatch(value) else NO_COLOUR


def _picture(path: Path) -> str | None:
    """Returns the picture as a data URI of a JPEG; None where it cannot be decoded or is too large."""
    from PIL import Image

    encoded = io.BytesIO()
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if max(image.size) > LARGEST_SIDE:
                return None
            image.convert("RGB").save(encoded, format="JPEG", quality=82)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return data_uri("image/jpeg", encoded.getvalue())
