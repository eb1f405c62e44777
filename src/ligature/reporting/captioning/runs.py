"""Runs of captioning: their settings in one form, what they are called, and their order."""

import math

import pandas as pd

from ligature.params.captioning import OF_KIND
from ligature.reporting.text import bounded

MODELS = ("recipe", "language", "vision", "assembly")
"""Settings beside the connector."""
LISTED = ("factor", "head_init", "vocabulary_norm", "pruned")
"""Settings of a connector that every table of runs has."""
FURTHER = ("affine_norm", "bias", "hidden", "table", "queries", "layers", "heads", "reduction")
"""Settings of a connector that a table of runs may have."""
SETTINGS = (*MODELS, "kind", *LISTED, *FURTHER)
ALL = "all"
KINDS = {
    "align": "ALIGN",
    "mlp": "MLP",
    "linear": "linear map",
    "pixel-shuffle": "pixel shuffle",
    "perceiver": "Perceiver",
    "visual-table": "visual table (Ovis)",
    "h-reducer": "H-Reducer",
}
"""What the kinds are called, in order of display."""
UNUSUAL = {
    ("head_init", "False"): "random head",
    ("vocabulary_norm", "False"): "no vocabulary norm",
    ("affine_norm", "False"): "norm without weights",
    ("bias", "True"): "bias",
}
"""What is said of settings that are not as published."""


def plain_number(value: object) -> str:
    """Returns a setting as text in one form: a number as short as it can be, anything else as it is."""
    number = pd.to_numeric(value, errors="coerce")
    if isinstance(value, bool) or pd.isna(number):
        return str(value).strip()
    return f"{number:.15g}"


def normalised(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns runs with every setting as text in one form, empty where the kind does not have it.

    Args:
        runs: one row a run and number of pairs: ``run``, ``pairs``, ``SETTINGS`` and what else there is.
    """
    own = {key: [key in OF_KIND.get(kind, ()) for kind in runs["kind"]] for key in (*LISTED, *FURTHER)}
    settings = {key: runs[key].map(plain_number).where(own[key], "") for key in own}
    return runs.assign(**settings, pairs=runs["pairs"].map(plain_number).replace("", ALL))


def pairs_rank(pairs: str) -> float:
    """Returns the place of a number of pairs among others; all of them come last."""
    return math.inf if pairs == ALL else float(pairs)


def pairs_label(pairs: str) -> str:
    """Returns a number of pairs in words, for example ``1,000 pairs`` or ``all pairs``."""
    return "all pairs" if pairs == ALL else "1 pair" if pairs == "1" else f"{int(pairs):,} pairs"


def variant_label(run: pd.Series) -> str:
    """Returns what a connector is, for example ``ALIGN, random head``.

    Args:
        run: a row of ``normalised``.
    """
    notes = [note for (key, value), note in UNUSUAL.items() if run["kind"] == "align" and run[key] == value]
    if len(notes) == len(UNUSUAL):
        notes = ["unofficial form"]
    tokens = [f"{int(run['pruned']):,} tokens"] if run["pruned"] else []
    factor = [f"factor {run['factor']}"] if run["factor"] not in ("", "1") else []
    return ", ".join([KINDS.get(run["kind"], bounded(run["kind"], 30)), *notes, *tokens, *factor])


def labelled(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns ``normalised`` runs with ``label``, which no two runs share, in order of display.

    The kinds stand in the order of ``KINDS``, of one kind the published settings first; of a run, few pairs first.
    """
    single = runs.drop_duplicates("run").set_index("run")
    labels = pd.Series({name: variant_label(run) for name, run in single.iterrows()}, dtype=object)
    if single["recipe"].nunique() > 1:
        labels += ", " + single["recipe"].map(bounded)
    labels = labels.mask(labels.duplicated(keep=False), labels + [f" ({bounded(name)})" for name in labels.index])
    runs = runs.assign(label=runs["run"].map(labels).astype(object))
    order = sorted(range(len(runs)), key=lambda place: _rank(runs.iloc[place]))
    return runs.iloc[order].reset_index(drop=True)


def _rank(run: pd.Series) -> tuple:
    kind = list(KINDS).index(run["kind"]) if run["kind"] in KINDS else len(KINDS)
    unusual = sum(run[key] == value for key, value in UNUSUAL)
    pruned = float(run["pruned"]) if run["pruned"] else 0.0
    return kind, unusual, pruned, run["label"], pairs_rank(run["pairs"])


def single_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a run, whatever its numbers of pairs."""
    return runs.drop_duplicates("run").reset_index(drop=True)


def most_pairs(runs: pd.DataFrame) -> str:
    """Returns the largest number of pairs that a run was trained on."""
    return max(runs["pairs"], key=pairs_rank)


def one_of_each_kind_first(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns single runs with the first of every kind in front of all second ones, else in the same order."""
    return runs.iloc[runs.groupby("kind").cumcount().argsort(kind="stable")]
