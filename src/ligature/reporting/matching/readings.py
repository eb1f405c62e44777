"""What matching shows: differences between methods and settings, each held against its interval over draws."""

import math
from collections.abc import Callable, Iterable

import pandas as pd

from ligature.reporting.aggregate import CHANCE
from ligature.reporting.correlations import shows
from ligature.reporting.languages import NAMES
from ligature.reporting.matching.cka import FEWEST_ENCODERS, agreement_points, rank_correlations, shuffle_means
from ligature.reporting.matching.differences import Difference, Verdict, difference, select
from ligature.reporting.matching.rows import (
    LOCAL_CKA,
    QAP,
    main_metric,
    method_label,
    method_rank,
    setting_label,
    share_rows,
)
from ligature.reporting.matching.sources import MatchingInputs
from ligature.reporting.text import PERCENT, bounded, listed, metric_label, number, percent, plural

TUNED = ("ridge", "kernel-ridge", "cca", "relative-centred")
"""Baselines with an intercept, and a penalty where there is one to choose."""
SIZED = 3
"""Differences of a sentence that are given with their size; the others stand in the tables."""
CHANGED: dict[Verdict, str] = {
    "above": "higher for",
    "below": "lower for",
    "level": "not distinguishable for",
    "one draw": "no interval, so nothing is shown, for",
}
COMPARED: dict[Verdict, str] = {
    "above": "above",
    "below": "below",
    "level": "not distinguishable from",
    "one draw": "no interval, so nothing is shown, against",
}


OBJECTIVES: dict[Verdict, tuple[str, str]] = {
    "above": ("above", ": the objective, and not its optimiser, limits the accuracy"),
    "below": ("below", ": a better optimiser could find more"),
    "level": ("not distinguishable from", ""),
    "one draw": ("beside", "; one draw has no spread, so no difference is shown"),
}


def matching_readings(inputs: MatchingInputs) -> list[tuple[str, list[str]]]:
    """Returns (heading, sentences) on methods and settings, one or more sentences an experiment."""
    return [
        ("Best method", best_readings(inputs)),
        ("Local CKA", _each(inputs, _tuned)),
        ("Hubs (CSLS)", _each(inputs, _csls)),
        ("Captions", _each(inputs, _captions)),
        ("Languages", _each(inputs, _languages)),
        ("QAP", _each(inputs, _objectives)),
    ]


def best_readings(inputs: MatchingInputs) -> list[str]:
    """Says for every experiment which method is best, and by how much or what is not distinguishable from it."""
    return _each(inputs, _best)


def setting_readings(inputs: MatchingInputs) -> list[str]:
    """Says for every experiment what stretching, clustered anchors and both do to matching accuracy."""
    return _each(inputs, _settings)


def agreement_readings(inputs: MatchingInputs) -> list[str]:
    """Says how kernel CKA goes with accuracy over encoders, and what shuffling does to it."""
    points = agreement_points(share_rows(inputs.results), inputs.cka)
    return [*(_correlation(row) for _, row in rank_correlations(points).iterrows()), *_shuffles(inputs.cka)]


def _each(inputs: MatchingInputs, reading: Callable[[str, MatchingInputs], Iterable[str]]) -> list[str]:
    return [sentence for name, part in inputs.by_experiment().items() for sentence in reading(bounded(name, 40), part)]


def _best(name: str, part: MatchingInputs) -> Iterable[str]:
    rows = share_rows(part.results)
    metric = main_metric(rows)
    found = rows[(rows["metric"] == metric) & (rows["post"] == "")]
    means = found.groupby(["model", "post"])[["value", "low", "chance"]].mean().sort_values("value", kind="stable")
    if len(means) > 1:
        yield f"{name}, {metric_label(metric)}: {_best_sentence(part, metric, means[::-1], found)}"


def _best_sentence(part: MatchingInputs, metric: str, means: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Says how the first of ``means`` compares with the others, the best one first."""
    keys = list(means.index)
    best = means.iloc[0]
    cells = rows.drop(columns="metric").set_index(["model", "post"]).loc[[keys[0]]]
    over = f", mean over {plural(len(cells), 'setting')}" if len(cells) > 1 else ""
    start = f"{method_label(*keys[0])} ({percent(best['value'], PERCENT)}{over}) is highest of {len(keys)} methods"
    if not best["low"] > best["chance"]:
        return f"{start}, but it is not shown to be above chance ({percent(best['chance'], PERCENT)})."
    sides = [dict(zip(("model", "post"), key, strict=True)) for key in keys]
    others = zip(keys[1:], sides[1:], strict=True)
    found = {key: difference(part, {"metric": metric}, sides[0], side) for key, side in others}
    level = [method_label(*key) for key, one in found.items() if one is None or one.verdict in ("level", "below")]
    if any(one is not None and one.verdict == "one draw" for one in found.values()):
        return f"{start}; one draw has no spread, so no difference is shown."
    if level:
        return f"{start}, not distinguishable from {listed(level)}."
    nearest = min(found, key=lambda key: found[key].value)
    return f"{start}, {_by(found[nearest])} above {method_label(*nearest)}, the nearest."


def _tuned(name: str, part: MatchingInputs) -> Iterable[str]:
    """Local CKA against the baselines that are tuned."""
    metric = main_metric(part.results)
    where = {"metric": metric, "post": ""}
    found = {method_label(other): difference(part, where, {"model": LOCAL_CKA}, {"model": other}) for other in TUNED}
    if sentence := _grouped(found, COMPARED):
        yield f"{name}, {metric_label(metric)}: {method_label(LOCAL_CKA)} is {sentence}."


def _csls(name: str, part: MatchingInputs) -> Iterable[str]:
    yield from _by_method(name, part, "top1", "with CSLS", ({"post": "csls"}, {"post": ""}))


def _captions(name: str, part: MatchingInputs) -> Iterable[str]:
    sides = ({"captions": "averaged"}, {"captions": "single"})
    yield from _by_method(name, part, main_metric(part.results), "averaged captions against a single one", sides)


def _settings(name: str, part: MatchingInputs) -> Iterable[str]:
    rows = part.results
    none = {"selection": "random", "stretch": "none"}
    settings = rows[["selection", "stretch"]].drop_duplicates().to_dict("records")
    for setting in settings if none in settings else ():
        if setting != none:
            what = f"{setting_label(**setting)} against random anchors without stretch"
            yield from _by_method(name, part, main_metric(rows), what, (setting, none))


def _by_method(
    name: str, part: MatchingInputs, metric: str, what: str, sides: tuple[dict[str, str], dict[str, str]]
) -> Iterable[str]:
    """Yields a sentence on what a change does to every method of an experiment; none where it was not measured."""
    where = {"metric": metric} | ({} if "post" in sides[0] else {"post": ""})
    models = sorted({*select(part.results, where)["model"]} - {CHANCE}, key=lambda model: (method_rank(model), model))
    found = {method_label(model): difference(part, where | {"model": model}, *sides) for model in models}
    if sentence := _grouped(found, CHANGED):
        yield f"{name}, {metric_label(metric)}, {what}: {sentence}."


def _grouped(found: dict[str, Difference | None], phrases: dict[Verdict, str]) -> str:
    """Returns differences in words, those of one verdict together; empty without any."""
    groups: dict[Verdict, list[str]] = {}
    for label, one in found.items():
        if one is not None:
            names = groups.setdefault(one.verdict, [])
            sized = one.verdict in ("above", "below") and len(names) < SIZED
            names.append(f"{label} by {_by(one)}" if sized else label)
    return "; ".join(f"{phrases[verdict]} {listed(groups[verdict])}" for verdict in phrases if verdict in groups)


def _by(one: Difference) -> str:
    """Returns the size of a difference, whichever its sign, with its interval."""
    ends = sorted(abs(end) for end in (one.low, one.high))
    return f"{number(100 * abs(one.value), 1)} points ({number(100 * ends[0], 1)} to {number(100 * ends[1], 1)})"


def _languages(name: str, part: MatchingInputs) -> Iterable[str]:
    """Which languages are above chance, by local CKA where it was measured."""
    rows = share_rows(part.results)
    metric = main_metric(rows)
    rows = rows[(rows["variant"] != "") & (rows["metric"] == metric) & (rows["post"] == "")]
    if rows.empty:
        return
    model = LOCAL_CKA if (rows["model"] == LOCAL_CKA).any() else rows["model"].iloc[0]
    means = rows[rows["model"] == model].groupby("variant", sort=False)[["value", "low", "chance"]].mean()
    clear = means["low"] > means["chance"]
    parts = [
        f"{phrase} {listed(f'{NAMES.get(code, code)} ({percent(value, PERCENT)})' for code, value in group.items())}"
        for phrase, group in (
            ("above chance in", means["value"][clear]),
            ("not shown to be in", means["value"][~clear]),
        )
        if len(group)
    ]
    yield f"{name}, {metric_label(metric)} with {method_label(model)}: {'; '.join(parts)}."


def _objectives(name: str, part: MatchingInputs) -> Iterable[str]:
    """Whether the objective that QAP reaches is above that of the true pairs, for the first form there is."""
    for model in QAP:
        where = {"model": model}
        one = difference(part, where, {"metric": "objective"}, {"metric": "true_objective"})
        if one is not None:
            values = select(part.results, where).groupby("metric")["value"].mean()
            before, after = OBJECTIVES[one.verdict]
            yield (
                f"{name}: {method_label(model)} reaches an objective of {number(values['objective'])}, {before} the "
                f"{number(values['true_objective'])} of the true pairs{after}."
            )
            return


def _correlation(row: pd.Series) -> str:
    where = f"{bounded(row['experiment'], 40)}, {bounded(row['text'], 30)}, {method_label(row['model'])}"
    size = f"over {plural(row['n'], 'vision encoder')}"
    if row["n"] < FEWEST_ENCODERS or math.isnan(row["spearman_low"]):
        return f"{where}: {size} no interval can be given for the correlation of kernel CKA with matching accuracy."
    ends = f"95\u00a0% {number(row['spearman_low'], 2)} to {number(row['spearman_high'], 2)}, bootstrap"
    clear = shows(row["spearman"], row["n"])
    ways = {"goes with": row["spearman_low"] > 0, "goes against": row["spearman_high"] < 0}
    verdict = next((phrase for phrase, holds in ways.items() if holds and clear), "is not shown to go with")
    return f"{where}: kernel CKA {verdict} matching accuracy {size} (Spearman {number(row['spearman'], 2)}; {ends})."


def _shuffles(cka: pd.DataFrame) -> Iterable[str]:
    means = shuffle_means(cka)
    if {"true", "shuffled"} <= set(means.index):
        middle = f", {number(means['half-shuffled'])} with half of them shuffled" if "half-shuffled" in means else ""
        yield (
            f"Kernel CKA is {number(means['true'])} on true pairs{middle} and {number(means['shuffled'])} on shuffled "
            "pairs, the mean over encoder pairs."
        )
