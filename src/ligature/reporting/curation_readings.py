"""Sentences about curation, each computed from the tables."""

import pandas as pd

from ligature.reporting.coverage import effective_concepts, gini, reached
from ligature.reporting.text import PERCENT, bounded, listed, number, percent, plural

KEPT = "kept"
SUCCESS = "success"
LARGEST_REASONS = 3


def funnel_readings(funnel: pd.DataFrame) -> list[str]:
    """Says how many rows came in, how many were dropped on the way, and which reasons took most of them."""
    if funnel.empty:
        return []
    first = funnel["step"].iloc[0]
    came = funnel[funnel["step"] == first].drop_duplicates("source")["rows_in"].sum()
    sentences = [f"{plural(int(came), 'row')} came into the first step, {bounded(first)}."]
    dropped = funnel[funnel["reason"] != KEPT]
    largest = dropped.groupby(["step", "reason"], sort=False)["rows"].sum()
    largest = largest[largest > 0].sort_values(ascending=False, kind="stable").head(LARGEST_REASONS)
    if len(largest):
        reasons = listed(f"{reason} ({step}): {rows:,.0f}" for (step, reason), rows in largest.items())
        sentences.append(f"All steps together dropped {dropped['rows'].sum():,.0f}, most of them for {reasons}.")
    return sentences


def selection_readings(concepts: pd.DataFrame) -> list[str]:
    """Says how much was selected, how many concepts got what was asked for, and which are rare."""
    if concepts.empty:
        return []
    n, kept, asked = len(concepts), concepts["kept"].sum(), concepts["asked"]
    before, after = reached(concepts["pool"], asked), reached(concepts["kept"], asked)
    return [
        f"{plural(int(kept), 'row')} were selected for {plural(n, 'concept')}, {concepts['backfilled'].sum():,.0f} of "
        f"them to fill up concepts that had fallen short; {asked.sum():,.0f} had been asked for.",
        f"{after:,} of {plural(n, 'concept')} reached what was asked for; in a random subset of the pool of the same "
        f"size, {before:,} did.",
        *_extremes(concepts),
    ]


def _extremes(concepts: pd.DataFrame) -> list[str]:
    if len(concepts) < 2:
        return []
    rarest, commonest = (
        f"{bounded(row['name'])} (k-th best caption {number(row['kth_score'])}, {row['pool']:,.0f} in the subset)"
        for _, row in concepts.iloc[[0, -1]].iterrows()
    )
    return [f"By the score of the k-th best caption, the rarest concept is {rarest}, the most frequent {commonest}."]


def evenness_readings(concepts: pd.DataFrame) -> list[str]:
    """Says how evenly rows are spread over concepts: in the random subset, as selected, and in the mix."""
    stages = {"in the random subset": "pool", "as selected": "kept", "in what reached the mix": "final"}
    stages = {label: concepts[column] for label, column in stages.items() if concepts[column].sum() > 0}
    if not stages:
        return []
    effective = listed(f"{number(effective_concepts(counts), 1)} {label}" for label, counts in stages.items())
    spread = listed(f"{number(gini(counts), 2)} {label}" for label, counts in stages.items())
    return [
        f"Effective number of concepts, of {len(concepts):,} (exp of the entropy): {effective}.",
        f"Gini coefficient, 0 where all concepts have the same number of rows: {spread}.",
    ]


def download_readings(downloads: pd.DataFrame) -> list[str]:
    """Says how many images arrived, in all and by set, and why most of the others did not."""
    total = downloads["rows"].sum()
    if not total:
        return []
    arrived = downloads["status"] == SUCCESS
    share = percent(downloads.loc[arrived, "rows"].sum() / total, PERCENT)
    sentences = [f"{downloads.loc[arrived, 'rows'].sum():,.0f} of {plural(int(total), 'image')} arrived ({share})."]
    lost = downloads[~arrived].groupby("status")["rows"].sum().sort_values(ascending=False, kind="stable")
    if lost.sum():
        sentences[0] = sentences[0].removesuffix(".") + (
            f"; the most frequent reason of the others is {bounded(lost.index[0])}, with "
            f"{percent(lost.iloc[0] / lost.sum(), PERCENT)} of them."
        )
    return sentences + _by_set(downloads)


def _by_set(downloads: pd.DataFrame) -> list[str]:
    shares = success_shares(downloads, "set")
    if len(shares) < 2:
        return []
    most, least = percent(shares.max(), PERCENT), percent(shares.min(), PERCENT)
    if most == least:
        return [f"All {len(shares)} sets arrived equally well."]
    return [
        f"Of the {len(shares)} sets, {bounded(shares.idxmax())} arrived best ({most}) and "
        f"{bounded(shares.idxmin())} worst ({least})."
    ]


def success_shares(downloads: pd.DataFrame, by: str) -> pd.Series:
    """Returns the share of rows that arrived for every value of the column ``by``, in order of appearance."""
    rows = downloads.assign(arrived=downloads["rows"].where(downloads["status"] == SUCCESS, 0.0))
    sums = rows.groupby(by, sort=False)[["arrived", "rows"]].sum()
    return (sums["arrived"] / sums["rows"])[sums["rows"] > 0]
