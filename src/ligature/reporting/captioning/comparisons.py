"""Runs that differ in their connector and in nothing else, found by their settings and never by their names."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ligature.reporting.captioning.runs import MODELS, SETTINGS, pairs_rank, single_runs

Side = Mapping[str, tuple[str, ...]]
"""Values of a setting that a run may have, by setting."""
ALIGN_KIND: Side = {"kind": ("align",)}
ALIGN: Side = ALIGN_KIND | {
    **{"head_init": ("True",), "vocabulary_norm": ("True",), "pruned": ("",)},
    **{"affine_norm": ("True", ""), "bias": ("False", "")},
}
"""ALIGN as published, over the whole vocabulary; tables of runs need not tell the last two settings."""
RIVALS = ("mlp", "perceiver", "visual-table")
"""Kinds that ALIGN was published against at full scale."""


@dataclass(frozen=True)
class Measure:
    """What two runs are compared by.

    Attributes:
        task: of the result rows.
        metric: of the result rows.
        label: in words.
        scale: what values are multiplied by to be shown.
        sign: 1 where higher is better, -1 where lower is.
    """

    task: str
    metric: str
    label: str
    scale: float = 1.0
    sign: int = 1


CIDER = Measure("captioning", "cider", "CIDEr-D × 100", 100.0)
NOISY_CIDER = Measure("captioning noise", "cider", "CIDEr-D × 100 under noise", 100.0)
COSINE = Measure("captioning noise", "cosine_distance", "cosine distance", sign=-1)
CENTRED = Measure("captioning noise", "cosine_distance_centred", "centred cosine distance", sign=-1)


def of_kind(kind: str) -> Side:
    """Returns the side of all runs of one kind of connector."""
    return {"kind": (kind,)}


def matching_runs(runs: pd.DataFrame, side: Side) -> pd.DataFrame:
    """Returns the single runs whose settings are as ``side`` says."""
    runs = single_runs(runs)
    for key, values in side.items():
        runs = runs[runs[key].isin(values)]
    return runs


def comparable(runs: pd.DataFrame, ours: Side, theirs: Side) -> list[tuple[pd.Series, pd.Series]]:
    """Returns the pairs of runs of which one is as ``ours`` says, one as ``theirs``, and all other settings agree.

    Runs of one kind agree in all settings that are not named; those of two kinds in their models and, where both have
    one, in the factor by which neighbouring tokens are put together.

    Args:
        runs: rows of ``runs.labelled``.
        ours: settings of the one.
        theirs: settings of the other.
    """
    named = {key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
    return [
        (one, other)
        for _, one in matching_runs(runs, ours).iterrows()
        for _, other in matching_runs(runs, theirs).iterrows()
        if one["run"] != other["run"] and _alike(one, other, named)
    ]


def _alike(one: pd.Series, other: pd.Series, named: set[str]) -> bool:
    if one["kind"] == other["kind"]:
        return all(one[key] == other[key] for key in SETTINGS if key not in named)
    same_models = all(one[key] == other[key] for key in MODELS)
    return same_models and ("" in (one["factor"], other["factor"]) or one["factor"] == other["factor"])


def common_pairs(runs: pd.DataFrame, one: pd.Series, other: pd.Series) -> list[str]:
    """Returns the numbers of pairs that both runs were trained on, few first."""
    both = set.intersection(*(set(runs.loc[runs["run"] == run["run"], "pairs"]) for run in (one, other)))
    return sorted(both, key=pairs_rank)


def values_of(
    results: pd.DataFrame,
    measure: Measure,
    run: str,
    pairs: str,
    *,
    shots: int = 0,
    noise: float | None = None,
    dataset: str | None = None,
) -> pd.Series:
    """Returns the values of a run by seed, the mean over data sets, scaled; empty where it was not measured.

    Args:
        results: rows of ``CaptioningInputs.results``.
        measure: which.
        run: the model of the rows.
        pairs: number of pairs of the training.
        shots: examples in front of the image.
        noise: level of noise; None for tasks without.
        dataset: the only one that counts; all of them where None.
    """
    column = {key: results[key].to_numpy() for key in ("model", "pairs", "metric", "task", "shots", "noise", "dataset")}
    chosen = (column["model"] == run) & (column["pairs"] == pairs) & (column["metric"] == measure.metric)
    chosen &= (column["task"] == measure.task) & (column["shots"] == shots)
    chosen &= np.isnan(column["noise"]) if noise is None else column["noise"] == noise
    if dataset is not None:
        chosen &= column["dataset"] == dataset
    return measure.scale * results.loc[chosen, ["seed", "value"]].groupby("seed")["value"].mean()


def levels(results: pd.DataFrame) -> list[float]:
    """Returns the levels of noise that were measured, lowest first."""
    return sorted(results.loc[results["task"] == NOISY_CIDER.task, "noise"].dropna().unique())


def share_kept(results: pd.DataFrame, run: str, pairs: str, noise: float) -> pd.Series:
    """Returns the share of its own CIDEr-D without noise that a run keeps under noise, by seed."""
    clean, noisy = (values_of(results, NOISY_CIDER, run, pairs, noise=level) for level in (0.0, noise))
    return (noisy / clean[clean > 0]).dropna()


def margin(results: pd.DataFrame, ours: pd.Series, theirs: pd.Series, pairs: str) -> pd.Series:
    """Returns the CIDEr-D of a run minus that of another with the same number of pairs, by seed."""
    one, other = (values_of(results, CIDER, run["run"], pairs) for run in (ours, theirs))
    return (one - other).dropna()
