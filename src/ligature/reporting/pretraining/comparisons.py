"""Runs that differ in what is to be compared and in nothing else, found by their settings and never by their names."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ligature.reporting.pretraining.runs import OF_SEPARATION, SETTINGS, by_seed

Side = Mapping[str, tuple[str, ...]]
"""Values of a setting that a run may have, by setting."""
NONE = ("none",)
CLIP: Side = {"sharing": NONE, "separation": NONE}
SHARED: Side = {"sharing": ("all",), "separation": NONE}
PUBLISHED_LOSS: Side = {"separation": ("image", "both"), "rescaling": ("cosine",), "objective": ("published",)}
"""Separation as published: of images in the text, of both modalities in the code."""
ALIGN: Side = {"sharing": ("all",), **PUBLISHED_LOSS}
SEPARATED: Side = {"sharing": NONE, **PUBLISHED_LOSS}
"""Separation on two towers."""


@dataclass(frozen=True)
class Measure:
    """What two runs are compared by.

    Attributes:
        task: of the result rows.
        metrics: of the result rows; their mean counts.
        label: in words.
        sign: 1 where higher is better, -1 where lower is.
    """

    task: str
    metrics: tuple[str, ...]
    label: str
    sign: int = 1


ALIGNMENT = Measure("gap", ("alignment_score",), "alignment score")
MARGIN = Measure("gap", ("paired_margin",), "paired margin")
GAP = Measure("gap", ("centroid_gap",), "centroid gap", -1)
RECALL = Measure("retrieval", ("i2t_recall@1", "t2i_recall@1"), "mean R@1")
TOP1 = Measure("classification", ("top1",), "zero-shot top-1")


def comparable(runs: pd.DataFrame, ours: Side, theirs: Side) -> list[tuple[pd.Series, pd.Series]]:
    """Returns the pairs of runs of which one is as ``ours`` says, one as ``theirs``, and all other settings agree.

    Args:
        runs: one row a run, as ``runs.normalised`` gives them.
        ours: settings of the one.
        theirs: settings of the other.
    """
    named = {key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
    return [
        (one, other)
        for one in matching_runs(runs, ours)
        for other in matching_runs(runs, theirs)
        if _alike(one, other, named)
    ]


def matching_runs(runs: pd.DataFrame, side: Side) -> list[pd.Series]:
    """Returns the runs whose settings are as ``side`` says."""
    for key, values in side.items():
        runs = runs[runs[key].isin(values)]
    return [run for _, run in runs.iterrows()]


def _alike(one: pd.Series, other: pd.Series, named: set[str]) -> bool:
    one_is_not_separated = "none" in (one["separation"], other["separation"])
    unused = {*named, *(OF_SEPARATION if one_is_not_separated else ())}
    return all(one[key] == other[key] for key in SETTINGS if key not in unused)


def values_of(results: pd.DataFrame, measure: Measure, run: pd.Series) -> pd.Series:
    """Returns the values of a run by seed, the mean over data sets; empty where it was not measured."""
    name = run["run"]
    values = by_seed(results[results["model"] == name], measure.task, measure.metrics)
    return values[name].dropna() if name in values else pd.Series(dtype=float)
