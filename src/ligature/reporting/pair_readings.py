"""Sentences about pair discovery, each computed from the tables."""

import math

import pandas as pd

from ligature.reporting.correlations import LOSS, METRICS, correlation_row, recall_name, recall_targets, shows
from ligature.reporting.text import bounded, metric_label, number, plural


def ranking(pairs: pd.DataFrame, metric: str) -> pd.Series:
    """Returns the mean of ``metric`` over the data sets for every (vision, text), in falling order."""
    means = pairs.groupby(["vision", "text"], sort=False)[metric].mean()
    return means.sort_values(ascending=False, kind="stable")


def choice_readings(pairs: pd.DataFrame, chosen: dict) -> list[str]:
    """Says which pair was chosen, why, and how close the next one is."""
    metric, pair = chosen["rank_by"], (chosen["vision"], chosen["text"])
    name, label = " + ".join(map(bounded, pair)), metric_label(metric)
    ranked = ranking(pairs, metric) if metric in pairs else pd.Series(dtype=float)
    if pair not in ranked.index:
        return [f"{name} was chosen; it is not among the measured pairs."]
    place = list(ranked.index).index(pair) + 1
    mean_over = f"mean {label} over {plural(pairs['dataset'].nunique(), 'data set')}"
    if chosen["chosen_by"] == "params":
        return [
            f"{name} was fixed by the study's parameters; by {mean_over} ({number(ranked[pair])}) it is number "
            f"{place} of {plural(len(ranked), 'pair')}."
        ]
    sentence = f"{name} was chosen: its {mean_over}, {number(ranked[pair])}, is number {place} of {len(ranked)}."
    others = ranked.drop(pair)
    return [sentence, *([_runner_up(pairs, pair, others)] if len(others) else [])]


def _runner_up(pairs: pd.DataFrame, pair: tuple[str, str], others: pd.Series) -> str:
    name = " + ".join(map(bounded, others.index[0]))
    own, other = (
        pairs[(pairs["vision"] == vision) & (pairs["text"] == text)].set_index("dataset")
        for vision, text in (pair, others.index[0])
    )
    apart = (own["cka_ci_low"] > other["cka_ci_high"].reindex(own.index)).sum()
    return (
        f"Next is {name} with {number(others.iloc[0])}; the intervals of debiased CKA of the two are apart on "
        f"{apart} of {plural(len(own), 'data set')}."
    )


def null_readings(pairs: pd.DataFrame) -> list[str]:
    """Says how many pairs agree more than permuted ones, and what the bias of the plain estimator is."""
    clear = int((pairs["cka_p"] < 0.05).sum())
    bias = (pairs["cka_biased"] - pairs["cka_debiased"]).mean()
    return [
        f"{clear} of {len(pairs)} similarities lie above their permutation null (p < 0.05 each).",
        f"The biased estimate of CKA is higher than the debiased one by {number(bias)} on average.",
    ]


def correlation_readings(pairs: pd.DataFrame, correlations: pd.DataFrame, metric: str) -> list[str]:
    """Says whether ``metric`` ranks the probe's retrieval, which metric does it best, and how loss behaves."""
    datasets = list(dict.fromkeys(pairs["dataset"]))
    targets = recall_targets(pairs, correlations)
    asked = [(dataset, metric, target, +1) for dataset in datasets for target in targets]
    asked += [(dataset, "cka_debiased", LOSS, -1) for dataset in datasets]
    rows = [(correlation_row(correlations, *question[:3]), *question) for question in asked]
    sentences = [_correlation_sentence(*entry) for entry in rows if entry[0] is not None]
    return sentences + _best_metric(correlations, datasets, targets)


def _correlation_sentence(row: pd.Series, dataset: str, metric: str, target: str, sign: int) -> str:
    n, rank = int(row["n"]), float(row["spearman"])
    target_label = f"the probe's {metric_label(target)}"
    where, what = f"On {bounded(dataset)}", f"Spearman {number(rank, 2)} over {plural(n, 'pair')}"
    if math.isnan(rank):
        return f"{where}, {metric_label(metric)} and {target_label} have no rank correlation over {plural(n, 'pair')}."
    if not shows(rank, n):
        return f"{where}, that {metric_label(metric)} predicts {target_label} does not show here: {what}."
    if sign * rank < 0:
        return f"{where}, {metric_label(metric)} runs against expectation for {target_label}: {what}."
    if sign < 0:
        return f"{where}, {target_label} falls as {metric_label(metric)} grows: {what}."
    return f"{where}, {metric_label(metric)} ranks {target_label}: {what}."


def _best_metric(correlations: pd.DataFrame, datasets: list[str], targets: list[str]) -> list[str]:
    means = {}
    for metric in METRICS:
        rows = [correlation_row(correlations, dataset, metric, t) for dataset in datasets for t in targets]
        values = [row["spearman"] for row in rows if row is not None and pd.notna(row["spearman"])]
        if values and len(values) == len(rows):
            means[metric] = sum(values) / len(values)
    if len(means) < 2:
        return []
    best = max(means, key=means.__getitem__)
    rest = ", ".join(f"{metric_label(m)} {number(means[m], 2)}" for m in means if m != best)
    return [
        f"Of {len(means)} metrics, {metric_label(best)} follows the probe's {recall_name(targets)} best "
        f"(mean Spearman {number(means[best], 2)}; {rest}). The published study found CKA best."
    ]
