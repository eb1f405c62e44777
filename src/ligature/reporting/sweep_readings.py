"""What the sweep shows: differences between its runs, each held against the spread of the seeds."""

from collections.abc import Iterator

import pandas as pd

from ligature.params.train import LossParams
from ligature.reporting.ablation import measure_name
from ligature.reporting.ablation_readings import verdict
from ligature.reporting.sweep_runs import MEASURE, Runs, assemblies, loss_name, published_top1, twins
from ligature.reporting.text import PERCENT, bounded, listed, number, plural, spread

FEATURES = {
    "pooled": "pooled features",
    "regions": "features of regions",
    "tokens": "tokens",
    "tokens-int8": "tokens in 8 bits",
    "images": "tokens encoded at every step",
}
COMPARED_MODES = (("pooled", "tokens"), ("regions", "tokens"), ("tokens-int8", "tokens"), ("images", "tokens"))


def sweep_readings(measures: pd.DataFrame, runs: Runs) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences) on the best run, the assemblies, the features and the losses."""
    return [
        ("Best run", best_readings(measures)),
        ("Assemblies", assembly_readings(measures, runs)),
        ("Features", feature_readings(measures, runs)),
        ("Losses", loss_readings(measures, runs)),
    ]


def best_readings(measures: pd.DataFrame) -> list[str]:
    """Says for every measure which run is best, and which runs are not distinguishable from it."""
    return [_best(key, rows) for key, rows in measures.groupby(MEASURE, sort=False) if len(rows) > 1]


def _best(key: tuple[str, ...], rows: pd.DataFrame) -> str:
    best = rows.loc[rows["value"].idxmax()]
    start = f"{measure_name(key)}: of {plural(len(rows), 'run')}, {_run(best)} is highest"
    names = _by_verdict(best, rows.drop(index=best.name))
    if "one seed" in names:
        return f"{start}; one seed has no spread, so no difference is shown."
    if "overlap" not in names:
        return f"{start}, beyond the spread of seeds."
    level = names["overlap"]
    return f"{start}, not distinguishable from {plural(len(level), 'other')}: {listed(level)}."


def assembly_readings(measures: pd.DataFrame, runs: Runs) -> list[str]:
    """Says for every measure how the best assembly of the published ablation compares with the others of it."""
    rows_of, published = assemblies(runs), published_top1()
    winner = next((name for name, row in rows_of.items() if published[row] == max(published.values())), None)
    rows = measures[measures["model"].isin(rows_of)]
    return [
        _assembly(key, group[group["model"] == winner].iloc[0], group[group["model"] != winner])
        for key, group in rows.groupby(MEASURE, sort=False)
        if len(group) > 1 and winner in set(group["model"])
    ]


def _assembly(key: tuple[str, ...], winner: pd.Series, others: pd.DataFrame) -> str:
    names = _by_verdict(winner, others)
    start = f"{measure_name(key)}: {_run(winner)}, the best of the published ablation"
    if "one seed" in names:
        return f"{start}; one seed has no spread, so no difference is shown."
    phrases = {"above": "above", "overlap": "not distinguishable from", "below": "below"}
    parts = [f"{phrase} {listed(names[kind])}" for kind, phrase in phrases.items() if kind in names]
    return f"{start}, against {plural(len(others), 'other run')} of it: {'; '.join(parts)}."


def _by_verdict(one: pd.Series, others: pd.DataFrame) -> dict[str, list[str]]:
    """Returns the names of the other runs by the verdict on the one against them."""
    names: dict[str, list[str]] = {}
    for _, other in others.iterrows():
        names.setdefault(verdict(one, other), []).append(bounded(other["model"], 40))
    return names


def feature_readings(measures: pd.DataFrame, runs: Runs) -> list[str]:
    """Says what pooled features, regions, 8 bits and encoding anew lose or gain against tokens in 16 bits."""
    sentences = []
    for group in twins(runs, "mode"):
        run_of = {runs[name].mode: name for name in group}
        for one, other in COMPARED_MODES:
            if one in run_of and other in run_of:
                names = (FEATURES[one], FEATURES[other])
                sentences += _against(measures, (run_of[one], run_of[other]), names)
    return sentences


def loss_readings(measures: pd.DataFrame, runs: Runs) -> list[str]:
    """Says what every other loss loses or gains against the published one, InfoNCE with global negatives."""
    sentences = []
    for group in twins(runs, "loss"):
        base = next((name for name in group if runs[name].loss == LossParams()), group[0])
        for name in group:
            if name != base:
                names = (loss_name(runs[name].loss), loss_name(runs[base].loss))
                sentences += _against(measures, (name, base), names)
    return sentences


def _against(measures: pd.DataFrame, runs: tuple[str, str], names: tuple[str, str]) -> Iterator[str]:
    """Yields a sentence a measure on two runs, called by ``names``."""
    for key, rows in measures.groupby(MEASURE, sort=False):
        by_run = rows.set_index("model")
        if all(run in by_run.index for run in runs):
            one, other = (by_run.loc[run] for run in runs)
            values = f"{names[0]} ({_value(one)}) against {names[1]} ({_value(other)})"
            yield f"{measure_name(key)}: {values}: {_difference(one, other)}."


def _difference(one: pd.Series, other: pd.Series) -> str:
    result = verdict(one, other)
    if result == "overlap":
        return "not distinguishable within the spread of seeds"
    if result == "one seed":
        return "one seed has no spread, so no difference is shown"
    points = number(100 * abs(one["value"] - other["value"]), 1)
    return f"{points} points {'more' if result == 'above' else 'less'}, beyond the spread of seeds"


def _run(row: pd.Series) -> str:
    return f"{bounded(row['model'], 40)} ({_value(row)})"


def _value(row: pd.Series) -> str:
    return spread(row["metric"], row["value"], row["sd"]) + PERCENT
