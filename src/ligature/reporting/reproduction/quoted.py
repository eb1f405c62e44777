"""Published figures that stand in no table: those of figures and of the text, and those of other work."""

from functools import cache
from importlib.resources import files

import pandas as pd

from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, slug

FILES = ("figures.csv", "context.csv", "matching.csv")
QUOTED_COLUMNS = ("table", "row", "dataset", "metric", "value", "source", "note")


@cache
def quoted_figures() -> pd.DataFrame:
    """Returns one row a figure with ``QUOTED_COLUMNS``; where only a direction was published, its value is missing."""
    folder = files("ligature.reporting.reproduction")
    tables = []
    for name in FILES:
        with folder.joinpath(name).open(encoding="utf-8") as file:
            tables.append(pd.read_csv(file, dtype={"note": str}).fillna({"note": ""}))
    return pd.concat(tables, ignore_index=True)


def quoted_table(name: str) -> Table:
    """Returns the figures of one name in the column ``table``, one row each, with notes and sources."""
    data = quoted_figures()
    data = data[data["table"] == name].reset_index(drop=True)
    return Table(
        name=f"quoted-{name}",
        caption=f"{name}. Published, not measured here.",
        data=data,
        header=["of", "data set", "figure", "note", "source", "value"],
        rows=[
            (
                row.row,
                row.dataset,
                row.metric,
                row.note,
                row.source,
                _value(row.value),
            )
            for row in data.itertuples()
        ],
        text_columns=5,
    )


def quoted_matrix(name: str, title: str) -> Table:
    """Returns the figures of one name crossed: a row of each ``row``, a column of each ``metric``.

    Args:
        name: in the column ``table``.
        title: what the figures are, for the caption.
    """
    data = quoted_figures()
    data = data[data["table"] == name].reset_index(drop=True)
    metrics, labels = (list(dict.fromkeys(data[column])) for column in ("metric", "row"))
    values = data.set_index(["row", "metric"])["value"]
    notes = "; ".join(dict.fromkeys(filter(None, data["note"])))
    sources = "; ".join(dict.fromkeys(data["source"]))
    return Table(
        name=f"quoted-{slug(name)}",
        caption=f"{title}. Published, not measured here: {sources}{f' ({notes})' if notes else ''}.",
        data=data,
        header=["of", *metrics],
        rows=[[label, *(_value(values.get((label, metric))) for metric in metrics)] for label in labels],
        muted=frozenset(range(len(labels))),
    )


def _value(value: float | None) -> str:
    return NOTHING if value is None or pd.isna(value) else f"{value:,.10g}"
