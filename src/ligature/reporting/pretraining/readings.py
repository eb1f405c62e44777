"""What pre-training shows: gaps by logit scale and variant, their cost, and scores that mislead; all computed."""

from collections.abc import Iterable, Iterator

import pandas as pd

from ligature.evaluation import gap_warnings
from ligature.reporting.claims.effect import Effect, paired_effect
from ligature.reporting.pretraining.comparisons import (
    CLIP,
    GAP,
    MARGIN,
    RECALL,
    TOP1,
    Measure,
    Side,
    comparable,
    matching_runs,
    values_of,
)
from ligature.reporting.pretraining.runs import LEARNED, by_seed
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.pretraining.tables import PANEL, final_scales
from ligature.reporting.text import PERCENT, bounded, number, percent

Readings = list[tuple[str, list[str]]]
HALF = 0.5
"""Share of the gap at a fixed logit scale below which that scale is said to induce it."""
PARTED = 0.95
"""Linear separability from which a plane is said to part the modalities."""
MOST_NAMES = 8
"""Runs that a sentence names; the others stand in the tables."""
SIZED = 4
"""Runs of a sentence up to which each difference is given with its size."""
ANY: Side = {}


def pretraining_readings(inputs: PretrainingInputs) -> Readings:
    """Returns (heading, sentences) on temperature, gap, cost and separability."""
    return [
        ("Temperature", [*temperature_readings(inputs)]),
        ("Gap", _against_clip(inputs, GAP)),
        ("Margin", _against_clip(inputs, MARGIN)),
        ("Retrieval", _against_clip(inputs, RECALL)),
        ("Zero-shot", _against_clip(inputs, TOP1)),
        ("Separability", [*_separability(inputs)]),
    ]


def temperature_readings(inputs: PretrainingInputs) -> Iterator[str]:
    """Says for plain CLIP how large the gap is at every logit scale, and whether it is there when that is learned."""
    gaps = {run["run"]: (run, values_of(inputs.results, GAP, run)) for run in matching_runs(inputs.runs, CLIP)}
    gaps = {name: (run, values.mean()) for name, (run, values) in gaps.items() if len(values)}
    parts = [f"{number(gap)} with {_scale(run, inputs)}" for run, gap in gaps.values()]
    if parts:
        yield f"CLIP, which shares nothing and pushes nothing apart, ends at a centroid gap of {'; '.join(parts)}."
    fixed = [(run, gap) for run, gap in gaps.values() if run["logit_scale"] not in LEARNED]
    if not fixed or not max(gap for _, gap in fixed):
        return
    run, widest = max(fixed, key=lambda one: one[1])
    learned = [(other, gap) for other, gap in gaps.values() if other["logit_scale"] in LEARNED]
    if not learned:
        yield "No run of CLIP learned its temperature, so how much of this gap the fixed one induces is not known."
    for other, gap in learned:
        left = f"with a {other['scale']} it is {number(gap)}, {percent(gap / widest, PERCENT)} of it"
        if gap < HALF * widest:
            yield (
                f"Most of the gap at {run['scale']} is induced by that fixed temperature: {left}, which is all that "
                "sharing and separation could close there."
            )
        else:
            yield f"The gap at {run['scale']} is not induced by that fixed temperature alone: {left}."


def _scale(run: pd.Series, inputs: PretrainingInputs) -> str:
    if run["logit_scale"] not in LEARNED:
        return f"the logit scale fixed at {run['logit_scale']}"
    ends = final_scales(run["run"], inputs.trajectories)
    end = f", {number(ends.mean(), 1)} at the end" if len(ends) else ""
    bounds = " within bounds" if run["logit_scale"] == "clamped" else ""
    return f"a logit scale learned{bounds}{end}"


def _against_clip(inputs: PretrainingInputs, measure: Measure) -> list[str]:
    """Says for every logit scale how the other variants compare with CLIP at the same one."""
    pairs = [(one, clip) for one, clip in comparable(inputs.runs, ANY, CLIP) if one["run"] != clip["run"]]
    sentences = []
    for scale in dict.fromkeys(clip["scale"] for _, clip in pairs):
        found = [pair for pair in pairs if pair[1]["scale"] == scale]
        sentences += _compared(inputs, measure, scale, found)
    return sentences


def _compared(inputs: PretrainingInputs, measure: Measure, scale: str, pairs: list) -> Iterable[str]:
    groups: dict[str, list[str]] = {}
    for one, clip in pairs:
        sides = [values_of(inputs.results, measure, run) for run in (one, clip)]
        if not min(map(len, sides)):
            continue
        effect = paired_effect(*sides, measure.label, "seeds")
        size = _size(effect, sides) if len(pairs) <= SIZED else ""
        groups.setdefault(_verdict(effect), []).append(f"{one['variant']}{size}")
    parts = [f"{verdict} for {_first(groups[verdict])}" for verdict in VERDICTS if verdict in groups]
    if parts:
        yield f"{scale[:1].upper()}{scale[1:]}, {measure.label} against CLIP: {'; '.join(parts)}."


VERDICTS = ("lower", "higher", "not distinguishable over seeds", "one seed, so nothing is shown,")


def _verdict(effect: Effect | None) -> str:
    if effect is None:
        return VERDICTS[3]
    return VERDICTS[1] if effect.low > 0 else VERDICTS[0] if effect.high < 0 else VERDICTS[2]


def _size(effect: Effect | None, sides: list[pd.Series]) -> str:
    """Returns the difference with its interval, or without one the difference alone."""
    if effect is None:
        return f" ({number(sides[0].mean() - sides[1].mean())})"
    return f" ({number(effect.value)}, 95{PERCENT} {number(effect.low)} to {number(effect.high)})"


def _first(names: list[str]) -> str:
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return "; ".join([*names[:MOST_NAMES], *more])


def _separability(inputs: PretrainingInputs) -> Iterator[str]:
    """Says of which runs with less than half of CLIP's gap a plane still parts the modalities."""
    shares = by_seed(inputs.results, "gap", ("linear_separability",)).mean()
    names = []
    for one, clip in comparable(inputs.runs, ANY, CLIP):
        gaps = [values_of(inputs.results, GAP, run).mean() for run in (one, clip)]
        if one["run"] in shares and gaps[0] < HALF * gaps[1] and shares[one["run"]] >= PARTED:
            names.append(f"{one['label']} ({percent(shares[one['run']], PERCENT)})")
    if names:
        yield (
            "A small gap is not the same as no gap: a plane still parts images from texts, with less than half of "
            f"CLIP's centroid gap, for {_first(names)}."
        )


def warning_readings(inputs: PretrainingInputs) -> list[str]:
    """Says of which runs the alignment score misleads, and why; one seed is enough for a warning."""
    rows = inputs.results[(inputs.results["task"] == "gap") & inputs.results["metric"].isin(PANEL)]
    labels = inputs.runs.set_index("run")["label"]
    means = rows.groupby(["model", "dataset", "metric"])["value"].mean().unstack()
    found = []
    for name in labels.index[labels.index.isin(means.index.get_level_values(0))]:
        for dataset, panel in means.loc[name].iterrows():
            if panel.notna().all() and set(PANEL) <= set(panel.index):
                start = f"{labels[name]}, {bounded(dataset, 30)}"
                found += [f"{start}: {sentence}" for sentence in gap_warnings(panel.to_dict())]
    return found
