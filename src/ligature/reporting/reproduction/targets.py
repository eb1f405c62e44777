"""The list of published tables and figures that a study can reproduce at its own scale."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pandas as pd

from ligature.errors import ParamsError
from ligature.reporting.table import Table


@dataclass(frozen=True)
class Target:
    """One published table or figure.

    Attributes:
        target: its name on the command line, for example ``table-4``.
        title: what it shows.
        files: what Snakemake is asked for, below the folder of a study.
        result: the file that holds the measured figures, below the same folder.
        needs: the block that a study must have, with dots between keys; empty for none.
        published: the published figures that stand beside ours, by the column ``table`` of their files.
        tasks: tasks of the result rows that are shown; none for a file that holds no result rows.
        metrics: metrics of these rows, or the target of correlations.
        cost_here: of the mini study from nothing, in words.
        cost_published: of the published scale, in words.
    """

    target: str
    title: str
    files: tuple[str, ...]
    result: str
    needs: str
    published: tuple[str, ...]
    tasks: tuple[str, ...]
    metrics: tuple[str, ...]
    cost_here: str
    cost_published: str


LISTS = ("files", "published", "tasks", "metrics")
"""Columns of several values, with semicolons between them."""


@cache
def list_targets() -> tuple[Target, ...]:
    """Returns all targets in the order of the paper."""
    with files("ligature.reporting.reproduction").joinpath("targets.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Target(**row | {name: tuple(filter(None, row[name].split(";"))) for name in LISTS}) for row in rows)


def find_target(name: str) -> Target:
    """Returns the target of a name.

    Raises:
        ParamsError: when there is none, with those there are.
    """
    known = {entry.target: entry for entry in list_targets()}
    if name not in known:
        raise ParamsError(f"unknown target {name!r}; known: {', '.join(known)}")
    return known[name]


def targets_table() -> Table:
    """Returns one row a target: what it is, which file holds it, what it costs here and as published."""
    columns = ("target", "title", "result", "cost_here", "cost_published")
    rows = [tuple(getattr(entry, column) for column in columns) for entry in list_targets()]
    return Table(
        name="targets",
        caption="Published tables and figures, and what of a study reproduces them.",
        data=pd.DataFrame(rows, columns=list(columns)),
        header=["target", "what", "file of the study", "cost of the mini study", "cost as published"],
        rows=rows,
        text_columns=len(columns),
    )
