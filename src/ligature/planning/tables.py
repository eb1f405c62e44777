"""The declared numbers of a plan: rates, quantities, sizes of data sets and of encoders, as csv files."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from ligature.errors import ParamsError
from ligature.planning.architectures import Architecture

DEVICES = ("cpu", "gpu")
COLUMNS = {
    "rates": ("step", "device", "unit", "rate", "source"),
    "quantities": ("quantity", "value", "unit", "source"),
    "sizes": ("format", "split", "contains", "images", "classes", "source"),
    "architectures": (
        "source",
        "side",
        "layers",
        "width",
        "mlp",
        "patch",
        "image_size",
        "vocabulary",
        "dims",
        "gflop",
        "parameters",
    ),
}


@dataclass(frozen=True)
class Rate:
    """How fast one worker does a step.

    Attributes:
        step: what is done.
        device: ``cpu``, one core, or ``gpu``, one accelerator.
        unit: of the work.
        per_second: units a second.
        source: where the number is from.
    """

    step: str
    device: str
    unit: str
    per_second: float
    source: str


@dataclass(frozen=True)
class Quantity:
    """A number that is neither in the study nor known of the data."""

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Tables:
    """The declared numbers.

    Attributes:
        rates: by step and device.
        quantities: by name.
        sizes: rows of the table of data sets, in order; the first that fits counts.
        architectures: by source and side (``vision`` or ``text``).
        rows: rows that the user gives, by data set or source.
        folder: where the tables lie, for messages.
    """

    rates: Mapping[tuple[str, str], Rate]
    quantities: Mapping[str, Quantity]
    sizes: tuple[Mapping[str, str], ...]
    architectures: Mapping[tuple[str, str], Architecture]
    rows: Mapping[str, int]
    folder: Path

    def given(self, values: Mapping[str, float]) -> "Tables":
        """Returns the same with other rates and quantities; a given rate is one of every device of its step.

        Raises:
            ParamsError: for a name that is neither, or a number that is not above zero.
        """
        rates, quantities = dict(self.rates), dict(self.quantities)
        for name, value in values.items():
            if not (isfinite(value) and value > 0):
                raise ParamsError(f"--given {name}={value}: give a number above 0")
            known = [key for key in rates if key[0] == name]
            for key in known:
                rates[key] = replace(rates[key], per_second=value, source="given")
            if name in quantities:
                quantities[name] = replace(quantities[name], value=value, source="given")
            elif not known:
                steps = dict.fromkeys(step for step, _ in rates)
                raise ParamsError(f"--given {name!r}: unknown; known: {', '.join([*steps, *quantities])}")
        return replace(self, rates=rates, quantities=quantities)


def read_tables(folder: Path, rows: Mapping[str, int] | None = None) -> Tables:
    """Reads `rates.csv`, `quantities.csv`, `sizes.csv` and `architectures.csv`.

    Raises:
        ParamsError: naming file, row and what is wrong.
    """
    rates = [_rate(folder / "rates.csv", row) for row in _read(folder, "rates")]
    quantities = {
        row["quantity"]: Quantity(
            _number(folder / "quantities.csv", row["quantity"], row["value"]), row["unit"], row["source"]
        )
        for row in _read(folder, "quantities")
    }
    path = folder / "architectures.csv"
    architectures = {(row["source"], row["side"]): _architecture(path, row) for row in _read(folder, "architectures")}
    return Tables(
        rates={(rate.step, rate.device): rate for rate in rates},
        quantities=quantities,
        sizes=tuple(_read(folder, "sizes")),
        architectures=architectures,
        rows=dict(rows or {}),
        folder=folder,
    )


def _read(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise ParamsError(f"{path}: cannot be read ({error}); restore the file") from None
    if tuple(reader.fieldnames or ()) != COLUMNS[name]:
        raise ParamsError(f"{path}: its columns must be {', '.join(COLUMNS[name])}")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ParamsError(f"{path}: row {number} has not {len(COLUMNS[name])} fields; correct it")
    return rows


def _rate(path: Path, row: Mapping[str, str]) -> Rate:
    if row["device"] not in DEVICES:
        raise ParamsError(f"{path}: row {row['step']}: device {row['device']!r} is neither cpu nor gpu")
    return Rate(row["step"], row["device"], row["unit"], _number(path, row["step"], row["rate"]), row["source"])


def _number(path: Path, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise ParamsError(f"{path}: row {name}: {text!r} is not a number above 0")
    return value


def _architecture(path: Path, row: Mapping[str, str]) -> Architecture:
    def number(key: str) -> float:
        return _number(path, row["source"], row[key]) if row[key] else 0.0

    return Architecture(
        dims=int(number("dims")),
        layers=int(number("layers")),
        width=int(number("width")),
        mlp=int(number("mlp")),
        patch=int(number("patch")) or 1,
        image_size=int(number("image_size")),
        vocabulary=int(number("vocabulary")),
        flop=number("gflop") * 1e9,
        other_parameters=number("parameters"),
        has_cls=row["side"] == "vision" and bool(row["layers"]),
    )
