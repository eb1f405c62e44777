"""Tables of pair discovery: every pair with its intervals, and the correlations with retrieval."""

import pandas as pd

from ligature.reporting.correlations import LOSS, recall_columns
from ligature.reporting.table import Table
from ligature.reporting.text import DIRECTIONS_NOTE, bounded, metric_header, metric_label, number, percent, plural, slug

HEADER = ["vision", "text", "dims", "CKA debiased", "interval", "z", "p", "biased", "RBF", "k-NN"]


def pair_tables(pairs: pd.DataFrame, chosen: dict) -> list[Table]:
    """Returns one table a data set, pairs in falling order of debiased CKA, the chosen one marked."""
    return [_pair_table(dataset, rows, chosen) for dataset, rows in pairs.groupby("dataset", sort=False)]


def _pair_table(dataset: str, rows: pd.DataFrame, chosen: dict) -> Table:
    rows = rows.sort_values("cka_debiased", ascending=False, kind="stable").reset_index(drop=True)
    targets = recall_columns(rows)
    loss = LOSS in rows and rows[LOSS].notna().any()
    extra = [f"{metric_header(target)} %" for target in targets] + ["probe loss"] * bool(loss)
    is_chosen = (rows["vision"] == chosen["vision"]) & (rows["text"] == chosen["text"])
    return Table(
        name=f"pairs-{slug(dataset)}",
        caption=f"{bounded(dataset)}: {plural(len(rows), 'pair')} on {plural(int(rows['n'].max()), 'item')}, "
        "best first; the chosen pair is marked. z and p: against permuted pairs. "
        f"R@k and loss: of the probe. {DIRECTIONS_NOTE}",
        data=rows,
        header=[*HEADER, *extra],
        rows=[_pair_cells(row, targets, loss) for _, row in rows.iterrows()],
        text_columns=2,
        strong=frozenset(is_chosen[is_chosen].index),
    )


def _pair_cells(row: pd.Series, targets: list[str], loss: bool) -> list[str]:
    return [
        bounded(row["vision"]),
        bounded(row["text"]),
        f"{row['vision_dim']:.0f} × {row['text_dim']:.0f}",
        number(row["cka_debiased"]),
        f"{number(row['cka_ci_low'])} to {number(row['cka_ci_high'])}",
        number(row["cka_z"], 1),
        number(row["cka_p"]),
        number(row["cka_biased"]),
        number(row["cka_rbf"]),
        number(row["mutual_knn"]),
        *[percent(row[target]) for target in targets],
        *([number(row[LOSS])] if loss else []),
    ]


def correlation_table(correlations: pd.DataFrame) -> Table:
    """Returns Spearman, its interval where it is known, and Pearson of every metric with every target."""
    targets = list(dict.fromkeys(correlations["target"]))
    groups = correlations.groupby(["dataset", "metric"], sort=False)
    return Table(
        name="correlations",
        caption="Spearman [interval] / Pearson correlation over encoder pairs. Pairs share encoders, so they are not "
        "independent.",
        data=correlations,
        header=["data set", "metric", "pairs", *map(metric_header, targets)],
        rows=[_correlation_cells(*key, rows, targets) for key, rows in groups],
        text_columns=2,
    )


def _correlation_cells(dataset: str, metric: str, rows: pd.DataFrame, targets: list[str]) -> list[str]:
    by_target = rows.drop_duplicates("target").set_index("target").reindex(targets)
    cells = [_correlation_cell(row) for _, row in by_target.iterrows()]
    return [bounded(dataset), metric_label(metric), f"{rows['n'].max():.0f}", *cells]


def _correlation_cell(row: pd.Series) -> str:
    interval = ""
    if "spearman_low" in row:
        interval = f" [{number(row['spearman_low'], 2)}, {number(row['spearman_high'], 2)}]"
    return f"{number(row['spearman'], 2)}{interval} / {number(row['pearson'], 2)}"
