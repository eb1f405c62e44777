"""Our figures of a target beside the published ones, as Markdown."""

import pandas as pd

from ligature.errors import DataError
from ligature.reporting.matching.cka import METRIC, agreement_table
from ligature.reporting.matching.rows import share_rows
from ligature.reporting.matching.sources import AXIS_TEXTS
from ligature.reporting.matching.tables import settings_table
from ligature.reporting.reproduction.quoted import quoted_figures, quoted_table
from ligature.reporting.reproduction.targets import Target
from ligature.reporting.result_tables import published_tables
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, metric_header, number, plural, spread

OTHER_SCALE = (
    "The published figures are of another scale: other encoders, data and sizes. "
    "Compare which row is ahead, and not the values."
)


def comparison(target: Target, measured: pd.DataFrame, where: str) -> str:
    """Returns the measured figures of a target and the published ones.

    Args:
        target: the target.
        measured: the table in the file of its results.
        where: that file, for the heading and for errors.

    Raises:
        DataError: when the table is none that the target is shown from.
    """
    ours = measured_table(target, measured, where)
    shown = ours.markdown() if ours.rows else "Nothing: this study does not measure it.\n"
    parts = [f"{target.target}: {target.title}\n", f"Measured here ({where}). {ours.caption}\n", shown]
    for name in target.published:
        table = published_table(name)
        parts += [f"{table.caption}\n", table.markdown()]
    return "\n".join([*parts, OTHER_SCALE])


def published_table(name: str) -> Table:
    """Returns a published table by its number, or the figures of a name that stand in no table."""
    quoted = name in set(quoted_figures()["table"])
    return quoted_table(name) if quoted else published_tables()[name]


def measured_table(target: Target, measured: pd.DataFrame, where: str) -> Table:
    """Returns the rows of a file of results that a target is about.

    Raises:
        DataError: when the file has other columns than the target's.
    """
    kind = next((kind for kind, columns in KINDS.items() if columns <= set(measured)), None)
    if kind is None:
        raise DataError(f"{where}: holds no results, correlations or compute; remove it and reproduce again")
    return kind(target, measured)


def _results(target: Target, measured: pd.DataFrame) -> Table:
    """One row a model; a column a data set, variant and metric; mean and deviation over seeds."""
    rows = measured[measured["task"].isin(target.tasks) & measured["metric"].isin(target.metrics)]
    columns: dict[str, dict[str, str]] = {}
    for (dataset, variant, metric), column in rows.groupby(["dataset", "variant", "metric"], sort=False):
        name = f"{bounded(dataset)} ({bounded(variant)})" if variant else bounded(dataset)
        values = column.groupby("model", sort=False)["value"]
        columns[f"{name}, {metric_header(metric)}"] = {
            model: spread(metric, value, deviation)
            for model, value, deviation in zip(values.groups, values.mean(), values.std(), strict=True)
        }
    models = list(dict.fromkeys(rows["model"]))
    seeds = rows["seed"].nunique()
    return Table(
        name=target.target,
        caption="Fractions in %" + (f", mean ± deviation over {plural(seeds, 'seed')}." if seeds > 1 else "."),
        data=rows,
        header=["model", *columns],
        rows=[(bounded(model), *(cells.get(model, NOTHING) for cells in columns.values())) for model in models],
    )


def _correlations(target: Target, measured: pd.DataFrame) -> Table:
    rows = measured[measured["target"].isin(target.metrics)]
    return Table(
        name=target.target,
        caption="Rank correlation over pairs of encoders, with its bootstrap interval.",
        data=rows,
        header=["data set", "similarity", "Spearman", "95 % interval", "Kendall", "pairs"],
        rows=[
            (
                bounded(row.dataset),
                metric_header(row.metric),
                number(row.spearman),
                f"{number(row.spearman_low)} to {number(row.spearman_high)}",
                number(row.kendall),
                str(row.n),
            )
            for row in rows.itertuples()
        ],
        text_columns=2,
    )


def _compute(target: Target, measured: pd.DataFrame) -> Table:
    rows = [
        (bounded(row.part), str(row.jobs), number(row.wall_hours), number(row.cpu_hours))
        for row in measured.itertuples()
    ]
    caption = "Hours of the clock and of the processors, by part of the study."
    return Table(target.target, caption, measured, ["part", "jobs", "hours of the clock", "CPU hours"], rows)


def _matching(target: Target, measured: pd.DataFrame) -> Table:
    """One row a method; a column a setting of anchors and stretch."""
    rows = measured[measured["task"].isin(target.tasks) & measured["metric"].isin(target.metrics)]
    table = settings_table(share_rows(rows.fillna(dict.fromkeys(AXIS_TEXTS, ""))))
    return table or Table(target.target, "One setting of anchors and stretch alone.", rows, ["method"], [])


def _agreement(target: Target, measured: pd.DataFrame) -> Table:
    """One row a vision encoder and method."""
    return agreement_table(measured)


RESULTS = {"task", "dataset", "model", "metric", "value", "seed", "variant"}
KINDS = {
    _matching: {*RESULTS, *AXIS_TEXTS, "base_size", "low", "high"},
    _agreement: {"experiment", "vision", "text", "model", METRIC, "value", "low", "high"},
    _results: RESULTS,
    _correlations: {"dataset", "metric", "target", "spearman", "spearman_low", "spearman_high", "kendall", "n"},
    _compute: {"part", "jobs", "wall_hours", "cpu_hours"},
}
"""How a table is shown, by the columns that it has; the first that fits."""
