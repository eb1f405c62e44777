"""A declared grid: every combination of the values of several keys, each with a name that is also a path."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from pydantic import TypeAdapter, ValidationError

Value = int | float | str
LIMIT = 1000
"""Combinations of a grid at most."""


def checked_grid(grid: Mapping[str, list[Any]], types: Mapping[str, TypeAdapter]) -> dict[str, list[Value]]:
    """Returns a grid with every value in the type of its key.

    Args:
        grid: values by key.
        types: the keys that may stand in it, with what their values must be.

    Raises:
        ValueError: naming a key that is unknown, has no or a wrong value, or one value twice; or with too many
            combinations.
    """
    unknown = [key for key in grid if key not in types]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; known: {', '.join(types)}")
    values = {key: [_typed(key, value, types[key]) for value in entries] for key, entries in grid.items()}
    for key, entries in values.items():
        if not entries:
            raise ValueError(f"{key}: no values; give one or more, or remove the key")
        twice = [value for place, value in enumerate(entries) if value in entries[:place]]
        if twice:
            raise ValueError(f"{key}: {twice[0]} stands twice; remove one of them")
    size = prod(len(entries) for entries in values.values())
    if size > LIMIT:
        raise ValueError(f"{size:,} combinations; at most {LIMIT:,}, give fewer values")
    return values


def _typed(key: str, value: Any, kind: TypeAdapter) -> Value:
    if value is None:
        raise ValueError(f"{key}: got None; leave it out to keep what the sweep has")
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise ValueError(f"{key}: got {value!r}; {message[0].lower()}{message[1:]}") from error


def combinations(grid: Mapping[str, list[Value]]) -> Iterator[dict[str, Value]]:
    """Yields every combination of a grid, the last key fastest; none of an empty grid."""
    if grid:
        yield from (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def point_name(point: Mapping[str, Value]) -> str:
    """Returns the name of a combination, a folder a key as Snakemake's Paramspace has it: ``key~value/key~value``."""
    return "/".join(f"{key}~{value}".replace("+", "") for key, value in point.items())
