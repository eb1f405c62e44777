"""Tables of plain facts: the projector, and the embedding stores with what was skipped and cut."""

from typing import Any

import pandas as pd

from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded

STORE_KEYS = ["dataset", "modality", "encoder", "view", "dims", "max_tokens"]
STORE_TEXTS = 4
"""The first of these columns hold text."""
STORE_COUNTS = ["rows", "skipped", "truncated"]


def projector_table(projector: dict[str, Any]) -> Table:
    """Returns configuration and facts of the projector, one row a value."""
    facts = [
        (part, key, _fact(value))
        for part in ("config", "facts")
        for key, value in projector[part].items()
        if not isinstance(value, dict)
    ]
    return Table(
        name="projector",
        caption="Configuration and facts of the projector.",
        data=pd.DataFrame(facts, columns=["part", "key", "value"]),
        header=["part", "key", "value"],
        rows=[(part, bounded(key), bounded(value, 40)) for part, key, value in facts],
        text_columns=3,
    )


def _fact(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if type(value) is int else str(value)


def store_table(stores: pd.DataFrame) -> Table:
    """Returns the stores of one view of an encoder and data set as one row, whatever the number of parts."""
    groups = stores.reindex(columns=[*STORE_KEYS, *STORE_COUNTS]).groupby(STORE_KEYS, sort=False, dropna=False)
    totals = groups[STORE_COUNTS].sum(min_count=1).reset_index()
    return Table(
        name="stores",
        caption="Embedding stores, their parts together: skipped images could not be read, truncated texts were cut.",
        data=totals,
        header=["data set", "modality", "encoder", "view", "dims", "longest in tokens", "rows", "skipped", "truncated"],
        rows=[
            (
                *(NOTHING if pd.isna(value) else bounded(value) for value in row[:STORE_TEXTS]),
                *(NOTHING if pd.isna(value) else f"{value:,.0f}" for value in row[STORE_TEXTS:]),
            )
            for row in totals.itertuples(index=False)
        ],
        text_columns=STORE_TEXTS,
    )
