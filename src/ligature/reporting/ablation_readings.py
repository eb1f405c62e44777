"""What the data ablation shows: claims about kinds of mixes, each held against the spread of the seeds."""

from typing import Literal

import pandas as pd

from ligature.reporting.ablation import MEASURE, measure_name
from ligature.reporting.text import PERCENT, bounded, listed, spread

COLLECTED, RANDOM = "collected", "random"
ROLES = {
    "collected": "class-collected data",
    "random": "random data",
    "captioned": "captioned data",
    "both": "class-collected with captioned data",
}
CLAIMS = {
    "classification": [("collected", "random"), ("collected", "captioned")],
    "retrieval": [("captioned", "collected")],
}
BOTH = {
    "classification": [("both", "captioned"), ("both", "collected")],
    "retrieval": [("both", "collected"), ("both", "captioned")],
}
Verdict = Literal["above", "below", "overlap", "one seed"]


def role_of(sets: set[str]) -> str | None:
    """Returns which of ``ROLES`` a mix of these sets plays; None for one that is no clean comparison."""
    if sets in ({COLLECTED}, {RANDOM}):
        return next(iter(sets))
    if not sets or RANDOM in sets:
        return None
    return "both" if COLLECTED in sets else "captioned"


def verdict(ours: pd.Series, theirs: pd.Series) -> Verdict:
    """Compares two measurements: apart if the intervals of mean ± deviation over seeds do not meet."""
    if min(ours["seeds"], theirs["seeds"]) < 2:
        return "one seed"
    if ours["value"] - ours["sd"] > theirs["value"] + theirs["sd"]:
        return "above"
    return "below" if ours["value"] + ours["sd"] < theirs["value"] - theirs["sd"] else "overlap"


def ablation_readings(measures: pd.DataFrame, mixes: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences): what class-collected and captioned data do, and whether a mix gets both.

    Args:
        measures: rows of ``headline_measures``.
        mixes: the sets of every mix; without them nothing can be said.
    """
    if mixes.empty:
        return []
    roles = {name: role_of(set(rows["set"])) for name, rows in mixes.groupby("mix", sort=False)}
    rows = measures.assign(role=measures["model"].map(roles))
    groups = [
        (task.capitalize(), [sentence for claim in claims for sentence in _claim_sentences(rows, task, *claim)])
        for task, claims in CLAIMS.items()
    ]
    mixed = [_both_sentence(rows, name) for name in roles if roles[name] == "both" and name in set(rows["model"])]
    return [(heading, sentences) for heading, sentences in [*groups, ("Both", mixed)] if sentences]


def _compared(rows: pd.DataFrame, task: str, ours: str, theirs: str) -> list[tuple[tuple, pd.Series, pd.Series]]:
    """Returns every measure of the task with a mix of the one role and a mix of the other."""
    return [
        (key, one, other)
        for key, group in rows[rows["task"] == task].groupby(MEASURE, sort=False)
        for _, one in group[group["role"] == ours].iterrows()
        for _, other in group[group["role"] == theirs].iterrows()
    ]


def _claim_sentences(rows: pd.DataFrame, task: str, ours: str, theirs: str) -> list[str]:
    compared = _compared(rows, task, ours, theirs)
    if not compared:
        return [f"Whether {ROLES[ours]} beat {ROLES[theirs]} was not measured."]
    return [_claim_sentence(*comparison, f"{ROLES[ours]} beat {ROLES[theirs]}") for comparison in compared]


def _claim_sentence(key: tuple, one: pd.Series, other: pd.Series, claim: str) -> str:
    names = f"{_name(one['model'])} {_value(one)}, {_name(other['model'])} {_value(other)}"
    where = measure_name(key)
    result = verdict(one, other)
    if result == "above":
        return f"{where}: {claim} ({names})."
    if result == "below":
        return f"{where}: that {claim} is contradicted ({names})."
    why = "the intervals overlap" if result == "overlap" else "one seed has no spread"
    return f"{where}: that {claim} is not shown, {why} ({names})."


def _name(mix: str) -> str:
    return f"“{bounded(mix, 30)}”"


def _value(row: pd.Series) -> str:
    return spread(row["metric"], row["value"], row["sd"]) + PERCENT


def _both_sentence(rows: pd.DataFrame, name: str) -> str:
    """Says whether a mix gains over the weaker kind of data and loses nothing to the stronger, on every measure."""
    alone = rows[(rows["role"] != "both") | (rows["model"] == name)]
    missing, failed = [], []
    for task, claims in BOTH.items():
        for place, (ours, theirs) in enumerate(claims):
            compared = _compared(alone, task, ours, theirs)
            if not compared:
                missing.append(f"no {task} against {ROLES[theirs]}")
            allowed = {"above"} if place == 0 else {"above", "overlap"}
            failed += [
                f"{'not clearly above' if place == 0 else 'not level with'} {_name(other['model'])} on "
                f"{measure_name(key)}"
                for key, one, other in compared
                if verdict(one, other) not in allowed
            ]
    label = _name(name)
    if missing:
        return f"Whether {label} gets both was not measured: {listed(missing)}."
    if failed:
        return f"That {label} gets both is not shown: it is {'; '.join(failed)}."
    return (
        f"{label} gets both: clearly above captioned data on classification and above class-collected data on "
        "retrieval, and nowhere clearly below the better of the two."
    )
