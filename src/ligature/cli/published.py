"""`ligature published-encoders`: the encoders of the published study of matching, ready for a study's file."""

from textwrap import indent
from typing import Annotated

import typer
import yaml

from ligature.encoders.published import LEFT_OUT, PUBLISHED_ENCODERS, PUBLISHED_NOTES, published_encoder
from ligature.params.encoders import TextEncoderParams, VisionEncoderParams

HEADER = ("name", "source", "module", "pooling", "note")


def published_encoders(
    names: Annotated[list[str] | None, typer.Argument(help="Encoders to print as lines of a study file.")] = None,
) -> None:
    """List the encoders of the published study of matching, or print some for a study's encoders block."""
    print(study_lines(names) if names else encoder_table(), end="")


def encoder_table() -> str:
    """Returns a line an encoder, its columns aligned; what was left out stands below with its reason."""
    rows = [HEADER]
    for name, entry in PUBLISHED_ENCODERS.items():
        source = entry.source + (f"@{entry.revision}" if entry.revision else "")
        rows.append((name, source, getattr(entry, "module", None) or "-", entry.pooling, PUBLISHED_NOTES[name]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *(f"left out: {name}, {reason}" for name, reason in LEFT_OUT.items()), ""])


def study_lines(names: list[str]) -> str:
    """Returns the yaml to stand below ``encoders:``, the note of each entry above it; a name counts once.

    Raises:
        EncoderError: naming the known encoders.
    """
    entries = {name: published_encoder(name) for name in names}
    sides = {"vision": VisionEncoderParams, "text": TextEncoderParams}
    lines = ""
    for side, kind in sides.items():
        of_side = [_entry_lines(entry) for entry in entries.values() if isinstance(entry, kind)]
        lines += "".join([f"  {side}:\n" if of_side else "", *of_side])
    return lines


def _entry_lines(entry: VisionEncoderParams | TextEncoderParams) -> str:
    values = {"name": entry.name, "loader": entry.loader, **entry.model_dump(exclude_unset=True)}
    text = yaml.safe_dump([values], sort_keys=False, allow_unicode=True, width=1000)
    return indent(f"# {PUBLISHED_NOTES[entry.name]}\n{text}", "    ")
