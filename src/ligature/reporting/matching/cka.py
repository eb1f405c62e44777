"""Kernel CKA beside matching: what it is on true and shuffled pairs, and whether accuracy follows it over encoders."""

import pandas as pd

from ligature.reporting.matching.rows import ACCURACY, LOCAL_CKA, QAP, at_reference, interval_cell, method_label
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, metric_label, number
from ligature.similarity.correlations import metric_correlations

METRIC = "cka_rbf"
ORDERS = ("true", "half-shuffled", "shuffled")
FEWEST_ENCODERS = 5
"""Of fewer vision encoders even a perfect order comes up too often by chance: of four once in 24 times."""
POINT = ["experiment", "query", "text", "model"]
"""What the points of one correlation have in common."""
PAIR = ["dataset", "vision", "text"]


def agreement_points(results: pd.DataFrame, cka: pd.DataFrame) -> pd.DataFrame:
    """Returns matching accuracy of QAP and local CKA with the kernel CKA of the true pairs, one row an encoder.

    Only experiments with several vision encoders count; of everything else the first setting is taken, with the
    largest number of anchors.

    Args:
        results: rows of ``share_rows``.
        cka: one row a data set, encoder pair, order and metric.
    """
    rows = results[(results["metric"] == ACCURACY) & (results["post"] == "") & results["model"].isin((LOCAL_CKA, *QAP))]
    axes = ("base_size", "selection", "stretch", "direction", "captions", "base_language", "variant")
    groups = [at_reference(group, axes) for _, group in rows.groupby(["experiment", "text"], sort=False)]
    true = cka[(cka["metric"] == METRIC) & (cka["order"] == "true")]
    true = true.rename(columns={"value": METRIC, "dataset": "query"})[["query", "vision", "text", METRIC]]
    points = pd.concat(groups or [rows]).merge(true, on=["query", "vision", "text"])
    several = points.groupby(POINT)["vision"].transform("nunique") > 1
    return points[several.astype(bool)].reset_index(drop=True)


def rank_correlations(points: pd.DataFrame) -> pd.DataFrame:
    """Returns one row of Spearman's correlation of kernel CKA with accuracy for each ``POINT``.

    ``spearman_low`` and ``spearman_high`` are of a bootstrap over vision encoders, NaN with fewer than
    ``FEWEST_ENCODERS``; ``spearman`` is NaN with fewer than three.
    """
    found = []
    for key, rows in points.groupby(POINT, sort=False):
        row = metric_correlations(rows, [METRIC], "value").iloc[0]
        ends = [row["spearman_low"], row["spearman_high"]] if row["n"] >= FEWEST_ENCODERS else [float("nan")] * 2
        found.append((*key, row["spearman"], *ends, int(row["n"])))
    return pd.DataFrame(found, columns=[*POINT, "spearman", "spearman_low", "spearman_high", "n"])


def agreement_table(points: pd.DataFrame) -> Table:
    """Returns one row a vision encoder, text encoder and method: kernel CKA and matching accuracy."""
    columns = ["experiment", "query", "vision", "text", "model", METRIC, "value", "low", "high"]
    return Table(
        name="matching-cka",
        caption="Kernel CKA of the true pairs and matching accuracy in %, with its 95\u00a0% interval over draws.",
        data=points[columns],
        header=["experiment", "vision encoder", "text encoder", "method", metric_label(METRIC), "matching accuracy"],
        rows=[
            (
                *map(bounded, (row.experiment, row.vision, row.text)),
                method_label(row.model),
                number(row.cka_rbf),
                interval_cell(row.value, row.low, row.high),
            )
            for row in points.itertuples()
        ],
        text_columns=4,
    )


def shuffle_table(cka: pd.DataFrame) -> Table:
    """Returns one row a data set, encoder pair and metric: CKA of true, half-shuffled and shuffled pairs."""
    keys = list(cka[[*PAIR, "metric"]].drop_duplicates().itertuples(index=False, name=None))
    groups = cka.groupby([*PAIR, "metric"], sort=False)
    return Table(
        name="matching-shuffles",
        caption="CKA of image-caption pairs in their true order, with half of the captions shuffled, and with all of "
        "them shuffled (means over shuffles). The biased estimates stay above zero for shuffled pairs of a small set.",
        data=cka,
        header=["data set", "vision encoder", "text encoder", "CKA", "n", *ORDERS],
        rows=[
            [
                *map(bounded, key[:-1]),
                metric_label(key[-1]),
                f"{groups.get_group(key)['n'].max():,.0f}",
                *map(number, groups.get_group(key).groupby("order")["value"].mean().reindex(ORDERS)),
            ]
            for key in keys
        ],
        text_columns=4,
    )


def shuffle_means(cka: pd.DataFrame) -> pd.Series:
    """Returns the kernel CKA of every order, the mean over data sets and encoder pairs; empty without any."""
    rows = cka[cka["metric"] == METRIC]
    return rows.groupby("order")["value"].mean().reindex([order for order in ORDERS if order in set(rows["order"])])


def correlation_label(row: pd.Series) -> str:
    """Returns Spearman's correlation with the number of encoders, for example ``ρ = 0.80 (n = 6)``."""
    value = NOTHING if pd.isna(row["spearman"]) else number(row["spearman"], 2)
    return f"ρ = {value} (n = {row['n']})"
