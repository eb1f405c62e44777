"""Rows of matching: names of methods and settings, chance beside every share, and what varies within a table."""

from collections.abc import Iterable

import pandas as pd

from ligature.reporting.aggregate import CHANCE
from ligature.reporting.languages import NAMES
from ligature.reporting.text import LABELS, bounded, percent

ACCURACY = "matching_accuracy"
SHARES = (ACCURACY, "top1", "top5", "top10")
"""Metrics of quality; objectives of QAP are a diagnosis and none of them."""
LOCAL_CKA = "local-cka-rbf"
QAP = ("qap-faq", "qap", "qap-hollow")
"""Names of QAP, the form that was published first."""
METHODS = {
    "local-cka-rbf": "local CKA (RBF)",
    "qap": "QAP (form chosen)",
    "qap-faq": "QAP (FAQ)",
    "ridge": "ridge",
    "kernel-ridge": "kernel ridge",
    "cca": "regularised CCA",
    "relative-centred": "centred relative",
    "linear-unregularised": "linear without penalty",
    "relative": "relative",
    "qap-hollow": "QAP (hollow)",
    "asif": "ASIF",
    "procrustes": "Procrustes",
    "local-cka-linear": "local CKA (linear)",
    "local-cka-rbf-fixed": "local CKA (fixed width)",
    "cosine": "cosine",
}
"""What the methods are called; figures with little room show the first ones."""
AXES = {
    "experiment": "experiment",
    "base": "anchors of",
    "query": "queries of",
    "vision": "vision encoder",
    "text": "text encoder",
    "base_size": "anchors",
    "queries": "queries",
    "selection": "anchors chosen",
    "stretch": "stretch",
    "direction": "direction",
    "captions": "captions",
    "base_language": "captions of the anchors",
    "variant": "language",
}
"""What tells cells apart, and how it is called."""
CELL = list(AXES)
VALUES = {
    "selection": {"random": "at random", "image-clusters": "clusters of images", "text-clusters": "clusters of texts"},
    "stretch": {"base": "by the anchors", "transductive": "by both pools (transductive)"},
    "direction": LABELS,
    "base_language": {"own": "", "query": "in the language of the queries"},
    "variant": NAMES,
}
SHORT = {
    "selection": {"image-clusters": "image clusters", "text-clusters": "text clusters"},
    "stretch": {"base": "stretch (anchors)", "transductive": "stretch (both pools)"},
}
NO_SETTING = "none"
CHANCE_KEYS = ["experiment", "variant", "n", "metric"]


def method_label(model: str, post: str = "") -> str:
    """Returns the name of a method as a reader knows it, with what was done to its scores afterwards."""
    return METHODS.get(model, bounded(model, 30)) + (f" + {bounded(post, 10).upper()}" if post else "")


def method_rank(model: str) -> int:
    """Returns the place of a method in ``METHODS``, unknown ones last."""
    return list(METHODS).index(model) if model in METHODS else len(METHODS)


def setting_label(selection: str, stretch: str) -> str:
    """Returns what was done to the anchors and to the scale of the features, for example ``image clusters``."""
    parts = [SHORT[axis].get(value) for axis, value in (("selection", selection), ("stretch", stretch))]
    return " + ".join(filter(None, parts)) or NO_SETTING


def axis_value(axis: str, value: object) -> str:
    """Returns the value of an axis as it is shown; empty where there is nothing to say."""
    if isinstance(value, float):
        return f"{value:,.0f}"
    return VALUES.get(axis, {}).get(value, bounded(value, 40))


def share_rows(results: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of ``SHARES`` that are not chance, with the level of chance as ``chance``."""
    rows = results[results["metric"].isin(SHARES)]
    is_chance = rows["model"] == CHANCE
    chance = rows[is_chance].groupby(CHANCE_KEYS, sort=False)["value"].mean().rename("chance").reset_index()
    return rows[~is_chance].merge(chance, on=CHANCE_KEYS, how="left")


def varying(rows: pd.DataFrame) -> list[str]:
    """Returns the axes of which the rows have more than one value."""
    return [axis for axis in AXES if rows[axis].nunique() > 1]


def at_reference(rows: pd.DataFrame, axes: Iterable[str]) -> pd.DataFrame:
    """Returns the rows at one value of each of ``axes``: the first one, and the largest number of anchors."""
    for axis in axes:
        if len(rows):
            rows = rows[rows[axis] == (rows[axis].max() if axis == "base_size" else rows[axis].iloc[0])]
    return rows


def described(rows: pd.DataFrame, without: Iterable[str] = ()) -> str:
    """Returns the axes of which the rows have one value, for example ``anchors of: coco; queries of: nocaps``."""
    varied = {*varying(rows), *without, "experiment"}
    values = {axis: axis_value(axis, rows[axis].iloc[0]) for axis in AXES if axis not in varied}
    return "; ".join(f"{AXES[axis]}: {value}" for axis, value in values.items() if value)


def interval_cell(value: float, low: float, high: float) -> str:
    """Returns a share in percent with its interval in brackets, where there is one."""
    return percent(value) + ("" if pd.isna(low) or pd.isna(high) else f" ({percent(low)}–{percent(high)})")


def main_metric(rows: pd.DataFrame) -> str:
    """Returns matching accuracy, or top-1 where the gallery is of classes and nothing is matched one to one."""
    return ACCURACY if (rows["metric"] == ACCURACY).any() else "top1"
