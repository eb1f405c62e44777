"""What was measured here and what was published in one file, one row a value, told apart by ``source``."""

import pandas as pd

from ligature.reporting.result_tables import PUBLISHED_TITLES, ROWS_ARE, published_figures
from ligature.reporting.table import Table
from ligature.reporting.text import bounded, metric_header, number

OURS = "this study"
THEIRS = "published (arXiv 2409.19425)"
NO_FRACTIONS = ("million", "billion", "GPU hours")


def beside_published(name: str, ours: pd.DataFrame) -> Table:
    """Returns what this study measured and the rows of a published table, one row a value, told apart by ``source``.

    Args:
        name: number of the published table, for example ``T3``.
        ours: ``model``, ``dataset``, ``metric`` and ``value``, a fraction.
    """
    figures = published_figures()
    theirs = figures[(figures["table"] == name) & ~figures["metric"].isin(NO_FRACTIONS)]
    theirs = theirs.rename(columns={"row": "model"})
    columns = ["source", "model", "dataset", "metric", "percent"]
    data = pd.concat(
        [
            ours.assign(source=OURS, percent=100 * ours["value"])[columns],
            theirs.assign(source=THEIRS, percent=theirs["value"])[columns],
        ],
        ignore_index=True,
    ).drop_duplicates(ignore_index=True)
    return Table(
        name=f"beside-published-{name}",
        caption=f"{PUBLISHED_TITLES[name]}: this study and, at another scale, the published figures.",
        data=data,
        header=["source", ROWS_ARE.get(name, "model"), "data set", "metric", "%"],
        rows=[
            (row.source, bounded(row.model), bounded(row.dataset), metric_header(row.metric), number(row.percent, 2))
            for row in data.itertuples()
        ],
        text_columns=4,
        muted=frozenset(data.index[data["source"] != OURS]),
    )
