"""What the numbers on connectors say: differences over seeds, of runs that differ in the connector alone; computed."""

from collections.abc import Iterator

import pandas as pd

from ligature.reporting.captioning.comparisons import (
    ALIGN,
    ALIGN_KIND,
    CENTRED,
    CIDER,
    COSINE,
    RIVALS,
    Measure,
    Side,
    common_pairs,
    comparable,
    levels,
    margin,
    of_kind,
    share_kept,
    values_of,
)
from ligature.reporting.captioning.controls import CONTROLS, control_rows
from ligature.reporting.captioning.runs import KINDS, pairs_label, pairs_rank
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.claims.effect import Effect, paired_effect
from ligature.reporting.text import PERCENT, number, plural

Readings = list[tuple[str, list[str]]]
MOST_NAMES = 8
"""Runs that a sentence names; the others stand in the tables."""
ABOVE, BELOW, LEVEL, ONE_SEED = (
    "above",
    "below",
    "not distinguishable over seeds from",
    "one seed, so nothing is shown, of",
)
VERDICTS = (ABOVE, BELOW, LEVEL, ONE_SEED)
VARIANTS: dict[str, tuple[Side, Side]] = {
    "a map that starts as the language model's head against a random one": (
        ALIGN_KIND | {"head_init": ("True",)},
        ALIGN_KIND | {"head_init": ("False",)},
    ),
    "a layer norm over the vocabulary against none": (
        ALIGN_KIND | {"vocabulary_norm": ("True",)},
        ALIGN_KIND | {"vocabulary_norm": ("False",)},
    ),
}
"""Settings of ALIGN that are compared with each other."""


def captioning_readings(inputs: CaptioningInputs) -> Readings:
    """Returns (heading, sentences) on chance, connectors, data, noise and settings of ALIGN."""
    return [
        ("Chance", [*_chance(inputs)]),
        ("Connectors", connector_readings(inputs)),
        ("Data", [*_data(inputs)]),
        ("Noise", [*_noise(inputs)]),
        ("Vocabulary", [*_vocabulary(inputs)]),
        ("Settings", [*_settings(inputs)]),
    ]


def _chance(inputs: CaptioningInputs) -> Iterator[str]:
    """Says of every training whether its captions are above those that do not tell images apart."""
    for control, what in CONTROLS.items():
        yield from _against(inputs, control_rows(inputs.results, control), f"{_capital(control)}, {what}")


def _against(inputs: CaptioningInputs, rows: pd.DataFrame, what: str) -> Iterator[str]:
    """Says which trainings are above their own rows of a control, and which are not, paired over seeds.

    Args:
        inputs: with the captions' own results.
        rows: of ``control_rows``.
        what: they are.
    """
    same = inputs.results[inputs.results["dataset"].isin(rows["dataset"])]
    groups: dict[str, list[str]] = {}
    both: list[pd.DataFrame] = []
    for _, run in inputs.runs.iterrows():
        sides = [values_of(table, CIDER, run["run"], run["pairs"]) for table in (same, rows)]
        paired = pd.concat(sides, axis=1, keys=["own", "control"]).dropna()
        if len(paired):
            verdict = _verdict(paired_effect(paired["own"], paired["control"], CIDER.label, "seeds"))
            groups.setdefault(verdict, []).append(f"{run['label']} ({pairs_label(run['pairs'])})")
            both.append(paired)
    if both:
        own, control = pd.concat(both)[["own", "control"]].mean()
        means = f"{number(control, 1)} on average, and {number(own, 1)} for captions with their own references"
        yield f"{what}, {CIDER.label}: {'; '.join([means, *_counted(groups)])}."


def _counted(groups: dict[str, list[str]]) -> Iterator[str]:
    """Yields how many trainings are above, the names of all that are not, and how many have one seed."""
    total = sum(len(names) for verdict, names in groups.items() if verdict != ONE_SEED)
    if total:
        yield f"paired over seeds, above theirs: {len(groups.get(ABOVE, []))} of {plural(total, 'training')}"
    for verdict in (BELOW, LEVEL):
        if verdict in groups:
            yield f"{verdict} theirs: {', '.join(groups[verdict])}"
    if ONE_SEED in groups:
        yield f"{plural(len(groups[ONE_SEED]), 'training')} with one seed cannot be held against it"


def connector_readings(inputs: CaptioningInputs) -> list[str]:
    """Says for every number of pairs how ALIGN compares with the other connectors."""
    found = []
    for ours, pairs, rivals in _fields(inputs):
        parts = [
            (rival["label"], _effect(inputs, CIDER, (ours["run"], rival["run"]), pairs))
            for rival in rivals
            if pairs in common_pairs(inputs.runs, ours, rival)
        ]
        found += _verdicts(f"{_capital(pairs_label(pairs))}, {CIDER.label}: {ours['label']} is", parts)
    return found


def _fields(inputs: CaptioningInputs) -> Iterator[tuple[pd.Series, str, list[pd.Series]]]:
    """Yields ALIGN as published with a number of pairs and all runs of other kinds that differ in the connector."""
    rivals: dict[str, tuple[pd.Series, list[pd.Series]]] = {}
    for kind in KINDS:
        for ours, theirs in comparable(inputs.runs, ALIGN, of_kind(kind)) if kind != "align" else ():
            rivals.setdefault(ours["run"], (ours, []))[1].append(theirs)
    for ours, others in rivals.values():
        for pairs in inputs.runs.loc[inputs.runs["run"] == ours["run"], "pairs"]:
            yield ours, pairs, others


def _effect(inputs: CaptioningInputs, measure: Measure, runs: tuple[str, str], pairs: str, **of) -> Effect | str | None:
    """Returns the difference of two runs, None with fewer than two seeds in common, an empty text without values."""
    sides = [values_of(inputs.results, measure, run, pairs, **of) for run in runs]
    return paired_effect(*sides, measure.label, "seeds") if min(map(len, sides)) else ""


def _verdicts(start: str, parts: list[tuple[str, Effect | str | None]], digits: int = 1) -> list[str]:
    """Returns a sentence that tells of whom something is above, below, or neither; none without any part."""
    groups: dict[str, list[str]] = {}
    for label, effect in parts:
        if effect != "":
            groups.setdefault(_verdict(effect), []).append(label + _size(effect, digits))
    told = [f"{verdict} {_first(groups[verdict])}" for verdict in VERDICTS if verdict in groups]
    return [f"{start} {'; '.join(told)}."] if told else []


def _verdict(effect: Effect | None) -> str:
    if effect is None:
        return ONE_SEED
    return ABOVE if effect.low > 0 else BELOW if effect.high < 0 else LEVEL


def _size(effect: Effect | None, digits: int) -> str:
    if effect is None:
        return ""
    ends = f"{number(effect.low, digits)} to {number(effect.high, digits)}"
    return f" ({number(effect.value, digits)}, 95{PERCENT} {ends})"


def _first(names: list[str]) -> str:
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join([*names[:MOST_NAMES], *more])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _data(inputs: CaptioningInputs) -> Iterator[str]:
    """Says whether the margin of ALIGN is larger with few pairs than with many."""
    for kind in RIVALS:
        for ours, theirs in comparable(inputs.runs, ALIGN, of_kind(kind)):
            pairs = common_pairs(inputs.runs, ours, theirs)
            margins = [margin(inputs.results, ours, theirs, each) for each in pairs]
            effect = paired_effect(margins[0], margins[-1], "margin", "seeds") if len(pairs) > 1 else None
            if effect is None:
                continue
            if effect.low > 0 or effect.high < 0:
                verdict = f"is {'larger' if effect.low > 0 else 'smaller'}"
            else:
                verdict = "is not shown to change"
            fewer = f"{_capital(pairs_label(pairs[0]))} instead of {pairs_label(pairs[-1])}"
            yield f"{fewer}: the margin of {ours['label']} over {theirs['label']} {verdict}{_size(effect, 1)}."


def _noise(inputs: CaptioningInputs) -> Iterator[str]:
    """Says at the highest level of noise what is kept, and how the cosine distances compare."""
    level = max(levels(inputs.results), default=0.0)
    if not level:
        return
    for ours, pairs, rivals in _fields(inputs):
        if pairs != max(inputs.runs.loc[inputs.runs["run"] == ours["run"], "pairs"], key=pairs_rank):
            continue
        where = f"Noise of {level:g} standard deviations, {pairs_label(pairs)}"
        kept = [(run["label"], 100 * share_kept(inputs.results, run["run"], pairs, level)) for run in (ours, *rivals)]
        told = [f"{label} {number(share.mean(), 0)}{PERCENT}" for label, share in kept if len(share)]
        if told:
            yield f"{where}: of its own {CIDER.label} is kept by {_first(told)}."
        shares = [(label, paired_effect(kept[0][1], share, "", "seeds")) for label, share in kept[1:] if len(share)]
        if len(kept[0][1]):
            yield from _verdicts(f"{where}, the share kept in points: {ours['label']} is", shares)
        for measure in (COSINE, CENTRED):
            parts = [
                (rival["label"], _effect(inputs, measure, (ours["run"], rival["run"]), pairs, noise=level))
                for rival in rivals
            ]
            yield from _verdicts(f"{where}, the {measure.label}: {ours['label']} is", parts, digits=3)


def _vocabulary(inputs: CaptioningInputs) -> Iterator[str]:
    tokens, share = (Measure("visual tokens", metric, "") for metric in ("effective_vocabulary", "entropy_share"))
    told = []
    for name, group in inputs.runs.groupby("run", sort=False):
        run = group.iloc[-1]
        used, part = (values_of(inputs.results, one, name, run["pairs"]).mean() for one in (tokens, share))
        if pd.notna(used) and pd.notna(part):
            told.append(f"{run['label']} {used:,.0f} tokens ({number(100 * part, 1)}{PERCENT} of its vocabulary)")
    if told:
        yield f"At the end of the largest training a visual token mixes, by its entropy: {_first(told)}."


def _settings(inputs: CaptioningInputs) -> Iterator[str]:
    """Says what settings of ALIGN do at every number of pairs."""
    for what, (ours, theirs) in VARIANTS.items():
        for one, other in comparable(inputs.runs, ours, theirs):
            yield from _pairwise(inputs, what, one, other)
    for one, other in comparable(inputs.runs, ALIGN_KIND | {"pruned": _pruned(inputs)}, ALIGN_KIND | {"pruned": ("",)}):
        yield from _pairwise(inputs, "a pruned vocabulary against the whole", one, other)


def _pruned(inputs: CaptioningInputs) -> tuple[str, ...]:
    return tuple(value for value in inputs.runs["pruned"].unique() if value)


def _pairwise(inputs: CaptioningInputs, what: str, one: pd.Series, other: pd.Series) -> Iterator[str]:
    for pairs in common_pairs(inputs.runs, one, other):
        effect = _effect(inputs, CIDER, (one["run"], other["run"]), pairs)
        start = f"{_capital(what)}, {pairs_label(pairs)}, {CIDER.label}: {one['label']} is"
        yield from _verdicts(start, [(other["label"], effect)])
