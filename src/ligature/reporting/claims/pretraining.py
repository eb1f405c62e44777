"""Claims on pre-training with shared towers and separation, each tested on runs that differ in nothing else."""

import re
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from ligature.reporting.claims.effect import Effect, paired_effect
from ligature.reporting.claims.evidence import Claim, Evidence
from ligature.reporting.pretraining.comparisons import (
    ALIGN,
    ALIGNMENT,
    CLIP,
    GAP,
    RECALL,
    SEPARATED,
    SHARED,
    TOP1,
    Measure,
    Side,
    comparable,
    matching_runs,
    values_of,
)
from ligature.reporting.pretraining.runs import LEARNED
from ligature.reporting.text import bounded

MARGIN = 0.02
"""Loss of R@1 that counts as none."""
HALF = 0.5
"""Share of the gap at a fixed logit scale that a learned one must keep for the gap to be there too."""
SHIFTED = re.compile(r"imagenet[-_ ]?(v2|sketch|a|r)", re.IGNORECASE)
"""Data sets of the published table under distribution shift, by what they are called."""
OWN = "not published: a check of our own"
Tested = Callable[[Evidence], Effect | None]
Kept = Callable[[pd.Series], bool]


def _fixed(run: pd.Series) -> bool:
    return run["logit_scale"] not in LEARNED


def _learned(run: pd.Series) -> bool:
    return run["logit_scale"] in LEARNED


def _any_scale(run: pd.Series) -> bool:
    return True


def _weakest(found: list[Effect | None]) -> Effect | None:
    """Returns the effect with the lowest interval: a claim holds if it holds in every comparison that can be made."""
    return min((one for one in found if one is not None), key=lambda one: one.low, default=None)


def _compared(ours: Side, theirs: Side, *measures: Measure, kept: Kept = _any_scale, allowed: float = 0.0) -> Tested:
    """Returns a test of whether some runs are better than others that differ in what is named alone.

    Every pair of runs is compared by every measure of the study, and the weakest comparison decides.

    Args:
        ours: settings of the runs that are claimed to be better.
        theirs: settings of the others.
        *measures: by which.
        kept: which runs count, by their logit scale.
        allowed: what ours may be worse by.
    """

    def effect(evidence: Evidence) -> Effect | None:
        if evidence.pretraining_runs.empty or evidence.pretraining.empty:
            return None
        pairs = [pair for pair in comparable(evidence.pretraining_runs, ours, theirs) if kept(pair[0])]
        return _weakest([_effect(evidence, pair, measure, allowed) for pair in pairs for measure in measures])

    return effect


def _effect(evidence: Evidence, pair: tuple[pd.Series, pd.Series], measure: Measure, allowed: float) -> Effect | None:
    """Returns by how much the first run is better than the second, over seeds; None with fewer than two seeds."""
    one, other = (measure.sign * values_of(evidence.pretraining, measure, run) for run in pair)
    sides = pair if measure.sign > 0 else pair[::-1]
    plus = f", plus {allowed:g}" if allowed else ""
    what = f"{measure.label}, {sides[0]['label']} minus {sides[1]['label']}{plus}; the weakest of all comparisons"
    return paired_effect(one + allowed, other, what, "seeds")


def _shift(evidence: Evidence) -> Effect | None:
    rows = evidence.pretraining
    if rows.empty:
        return None
    shifted = rows[rows["dataset"].map(lambda name: bool(SHIFTED.fullmatch(str(name)))).astype(bool)]
    found = []
    for dataset in dict.fromkeys(shifted["dataset"]):
        measure = Measure("classification", ("top1",), f"top-1 on {bounded(dataset, 30)}")
        part = replace(evidence, pretraining=shifted[shifted["dataset"] == dataset])
        found.append(_compared(ALIGN, CLIP, measure)(part))
    return _weakest(found)


def _gap_when_learned(evidence: Evidence) -> Effect | None:
    """Compares CLIP's gap with a learned temperature with half of the gap at every fixed one."""
    if evidence.pretraining_runs.empty or evidence.pretraining.empty:
        return None
    clips = matching_runs(evidence.pretraining_runs, CLIP)
    found = []
    for one in filter(_learned, clips):
        for other in filter(_fixed, clips):
            if one["alpha"] == other["alpha"]:
                gaps = [values_of(evidence.pretraining, GAP, run) for run in (one, other)]
                what = f"centroid gap, {one['label']} minus {HALF:g} times that of {other['label']}"
                found.append(paired_effect(gaps[0], HALF * gaps[1], f"{what}; the weakest of all comparisons", "seeds"))
    return _weakest(found)


SOURCE = "arXiv 2406.17639, as summarised on public pages"
SEEDS = "two seeds or more"
NEEDS = "runs that differ in it alone"
PRETRAINING_CLAIMS = (
    Claim(
        "Sharing the towers narrows the gap, with a learned temperature",
        f"{SOURCE}: alignment score 0.38 to 0.47 (CLIP), 0.54 to 0.62 (SharedCLIP)",
        _compared(SHARED, CLIP, ALIGNMENT, GAP, kept=_learned),
        f"pre-training with {NEEDS}, a learned temperature, and {SEEDS}",
    ),
    Claim(
        "Sharing the towers narrows the gap, at a fixed temperature",
        f"{OWN}, since the published temperature is learned",
        _compared(SHARED, CLIP, ALIGNMENT, GAP, kept=_fixed),
        f"pre-training with {NEEDS}, a fixed logit scale, and {SEEDS}",
    ),
    Claim(
        "Intra-modality separation narrows the gap of shared towers further, with a learned temperature",
        f"{SOURCE}: alignment score 0.54 to 0.62 (SharedCLIP), 0.62 to 0.67 (AlignCLIP)",
        _compared(ALIGN, SHARED, ALIGNMENT, GAP, kept=_learned),
        f"pre-training with {NEEDS}, a learned temperature, and {SEEDS}",
    ),
    Claim(
        "Intra-modality separation narrows the gap of shared towers further, at a fixed temperature",
        f"{OWN}, since the published temperature is learned",
        _compared(ALIGN, SHARED, ALIGNMENT, GAP, kept=_fixed),
        f"pre-training with {NEEDS}, a fixed logit scale, and {SEEDS}",
    ),
    Claim(
        f"AlignCLIP costs no retrieval: its R@1 is less than {MARGIN:g} below that of CLIP",
        f"{SOURCE}: above CLIP, no value is quoted",
        _compared(ALIGN, CLIP, RECALL, allowed=MARGIN),
        f"pre-training of CLIP and AlignCLIP with {SEEDS}",
    ),
    Claim(
        "AlignCLIP classifies better than CLIP without examples",
        f"{SOURCE}: 32.8 against 31.4, ImageNet top-1; an independent reproduction: 35.5 against 36.72",
        _compared(ALIGN, CLIP, TOP1),
        f"pre-training of CLIP and AlignCLIP with class names and {SEEDS}",
    ),
    Claim(
        "AlignCLIP is better than CLIP under distribution shift",
        f"{SOURCE}: ImageNet-V2 29.1 against 27.1, -R 41.2 against 39.8, -A 7.0 against 6.5, -Sketch 20.7 against 19.4",
        _shift,
        f"pre-training of CLIP and AlignCLIP with one of these data sets and {SEEDS}",
    ),
    Claim(
        "Semantic re-scaling of the separation helps",
        f"{SOURCE}: results are lower without it, no value is quoted",
        _compared(ALIGN, ALIGN | {"rescaling": ("none",)}, RECALL, TOP1),
        f"pre-training of AlignCLIP with re-scaling and without, and {SEEDS}",
    ),
    Claim(
        "Separation alone, on two towers, narrows the gap",
        OWN,
        _compared(SEPARATED, CLIP, ALIGNMENT, GAP),
        f"pre-training of two towers with separation and without, and {SEEDS}",
    ),
    Claim(
        f"The gap is there with a learned temperature too: more than {HALF:g} of that at a fixed one",
        OWN,
        _gap_when_learned,
        f"pre-training of CLIP with a fixed and a learned temperature, and {SEEDS}",
    ),
)
