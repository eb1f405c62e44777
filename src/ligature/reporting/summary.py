"""Results as plain text for a terminal."""

import pandas as pd

from ligature.reporting.aggregate import with_chance, with_variants
from ligature.reporting.outcome_readings import is_headline
from ligature.reporting.text import bounded, is_fraction, measured, spread


def results_summary(results: pd.DataFrame) -> str:
    """Returns a table of plain text: task, dataset, model, metric, value and chance, fractions in percent.

    Of variants, such as languages, only the first metric to look at is shown.

    Args:
        results: rows of the results schema; rows of the model ``chance`` stand beside the others. Several
            seeds become their mean and deviation.
    """
    results = with_variants(results)
    results = results[(results["variant"] == "") | results["metric"].map(is_headline)]
    rows = [
        (
            bounded(f"{row.task} ({row.variant})" if row.variant else row.task),
            bounded(row.dataset),
            bounded(row.model),
            bounded(row.metric),
            spread(row.metric, row.value, row.sd) + _unit(row.metric),
            measured(row.metric, row.chance) + ("" if pd.isna(row.chance) else _unit(row.metric)),
        )
        for row in with_chance(results).itertuples()
    ]
    return aligned([("task", "dataset", "model", "metric", "value", "chance"), *rows], numbers_from=4)


def _unit(metric: str) -> str:
    return " %" if is_fraction(metric) else ""


def aligned(rows: list[tuple[str, ...]], numbers_from: int) -> str:
    """Returns rows of cells as lines with aligned columns; those from ``numbers_from`` on stand to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        padded = [c.ljust(w) if i < numbers_from else c.rjust(w) for i, (c, w) in enumerate(cells)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"
