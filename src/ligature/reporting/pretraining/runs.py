"""Runs of pre-training: their settings in one form, what they are called, and their order."""

import pandas as pd

from ligature.reporting.aggregate import CHANCE
from ligature.reporting.text import bounded

SETTINGS = ("sharing", "separation", "rescaling", "objective", "alpha", "beta", "logit_scale")
OF_SEPARATION = ("rescaling", "objective", "beta")
"""Settings that mean nothing without separation."""
ALL_PARTS = "blocks-norm-projection"
LEARNED = ("clamped", "learned")
"""Logit scales that are learned; any other is a number that it keeps."""
TOWERS = {"none": "CLIP", "all": "SharedCLIP"}
APART = {"image": "images", "text": "texts", "both": "both"}
RESCALINGS = {"none": "not re-scaled", "exponent": "exponent re-scaled"}
USUAL = {"alpha": "1", "beta": "0.5"}
GREEK = {"alpha": "α", "beta": "β"}


def normalised(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns runs with every setting as text in one form, so that equal settings are equal text.

    A number is as short as it can be, all parts shared are ``all``, and without separation its settings are empty.

    Args:
        runs: ``SETTINGS`` and what else there is, one row a run.
    """
    runs = runs.assign(**{key: runs[key].map(_number_text) for key in ("alpha", "beta", "logit_scale")})
    runs["sharing"] = runs["sharing"].replace(ALL_PARTS, "all")
    runs["beta"] = runs["beta"].replace("", USUAL["beta"])
    alone = runs["separation"] == "none"
    return runs.assign(**{key: runs[key].mask(alone, "") for key in OF_SEPARATION})


def _number_text(value: object) -> str:
    number = pd.to_numeric(value, errors="coerce")
    if pd.isna(number):
        return str(value) if isinstance(value, str) else ""
    return f"{number:g}"


def variant_label(run: pd.Series) -> str:
    """Returns what a run is without its logit scale, for example ``AlignCLIP (images)``.

    Args:
        run: a row of ``normalised``.
    """
    towers = TOWERS.get(run["sharing"]) or f"CLIP sharing {bounded(run['sharing'].replace('-', ', '), 40)}"
    notes = [f"{GREEK[key]} {run[key]}" for key in USUAL if run[key] not in ("", USUAL[key])]
    if run["separation"] == "none":
        return ", ".join([towers, *notes])
    apart = APART.get(run["separation"], bounded(run["separation"], 20))
    is_align = run["sharing"] == "all" and run["rescaling"] == "cosine"
    name = f"AlignCLIP ({apart})" if is_align else f"{towers} + {apart} apart"
    scaled = [RESCALINGS[run["rescaling"]]] if run["rescaling"] in RESCALINGS else []
    return ", ".join([name, *scaled, *(["halved"] if run["objective"] == "halved" else []), *notes])


def scale_label(scale: str) -> str:
    """Returns how the logit scale was had, for example ``scale 100`` or ``learned scale``."""
    return {"learned": "learned scale", "clamped": "learned scale (clamped)"}.get(scale, f"scale {scale}")


def labelled(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns ``normalised`` runs with ``variant``, ``scale`` and ``label``, which no two share, in order of display.

    First come fixed logit scales, the highest first, then learned ones; within one, nothing shared and nothing apart
    comes first.
    """
    variants = pd.Series([variant_label(run) for _, run in runs.iterrows()], index=runs.index, dtype=object)
    runs = runs.assign(variant=variants, scale=runs["logit_scale"].map(scale_label))
    twice = runs.duplicated(["variant", "scale"], keep=False)
    runs["variant"] = runs["variant"].mask(twice, runs["variant"] + " (" + runs["run"].map(bounded) + ")")
    several = runs["scale"].nunique() > 1
    runs["label"] = runs["variant"] + (", " + runs["scale"] if several else "")
    order = sorted(range(len(runs)), key=lambda place: _rank(runs.iloc[place]))
    return runs.iloc[order].reset_index(drop=True)


def _rank(run: pd.Series) -> tuple:
    scale = (1, LEARNED.index(run["logit_scale"])) if run["logit_scale"] in LEARNED else (0, -float(run["logit_scale"]))
    sharing = {"none": 0, "all": 2}.get(run["sharing"], 1)
    separation = ("none", *APART).index(run["separation"]) if run["separation"] in ("none", *APART) else len(APART) + 1
    return (*scale, sharing, separation, run["label"])


def by_seed(results: pd.DataFrame, task: str, metrics: tuple[str, ...], dataset: str | None = None) -> pd.DataFrame:
    """Returns the mean of some metrics over data sets, a row a seed and a column a run.

    Args:
        results: result rows, the model being the run; questions beside the main one do not count.
        task: of the rows.
        metrics: of the rows.
        dataset: the only one that counts; all of them where None.
    """
    rows = results[(results["task"] == task) & results["metric"].isin(metrics) & (results["model"] != CHANCE)]
    rows = rows[(rows["variant"] == "") & ((dataset is None) | (rows["dataset"] == dataset))]
    return rows.groupby(["seed", "model"])["value"].mean().unstack()
