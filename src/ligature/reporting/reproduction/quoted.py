"""Published figures that stand in no table: those of figures and of the text, and those of other work."""

from functools import cache
from importlib.resources import files

import pandas as pd

from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING

FILES = ("figures.csv", "context.csv")
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
                NOTHING if pd.isna(row.value) else f"{row.value:,.10g}",
            )
            for row in data.itertuples()
        ],
        text_columns=5,
    )
