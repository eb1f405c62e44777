"""Claims on connectors into a language model, each tested on runs that differ in the connector alone."""

from collections.abc import Callable, Iterator

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
from ligature.reporting.captioning.runs import pairs_label
from ligature.reporting.claims.effect import Effect, paired_effect
from ligature.reporting.claims.evidence import Claim, Evidence

ALLOWED = 0.05
"""Part of a score that a pruned vocabulary may cost, and of time and memory that ALIGN may take more."""
COSTS = {"images_per_second": -1, "tokens_per_second": -1, "step_seconds": 1, "peak_mib": 1}
"""Measures of speed and memory: 1 where a higher value costs more, -1 where it costs less."""
WEAKEST = "; the weakest of all comparisons"
Tested = Callable[[Evidence], Effect | None]
Pair = tuple[pd.Series, pd.Series]


def _weakest(found: Iterator[Effect | None]) -> Effect | None:
    """Returns the effect with the lowest interval: a claim holds if it holds in every comparison that can be made."""
    return min((one for one in found if one is not None), key=lambda one: one.low, default=None)


def _pairs_of_runs(evidence: Evidence, ours: Side, *theirs: Side) -> Iterator[Pair]:
    """Yields the runs to compare; none where the study has no captioning."""
    if not (evidence.captioning.empty or evidence.captioning_runs.empty):
        for side in theirs:
            yield from comparable(evidence.captioning_runs, ours, side)


def _between(measure: str, pair: Pair, pairs: str) -> str:
    return f"{measure}, {pair[0]['label']} minus {pair[1]['label']}, {pairs_label(pairs)}{WEAKEST}"


def _better(ours: Side, *theirs: Side, share: float = 1.0) -> Tested:
    """Returns a test of whether some runs have a higher CIDEr-D than others, or than a share of theirs.

    Every pair of runs is compared at every number of pairs that both have, and the weakest comparison decides.
    """

    def effect(evidence: Evidence) -> Effect | None:
        return _weakest(
            _difference(evidence, pair, pairs, share)
            for pair in _pairs_of_runs(evidence, ours, *theirs)
            for pairs in common_pairs(evidence.captioning_runs, *pair)
        )

    return effect


def _difference(evidence: Evidence, pair: Pair, pairs: str, share: float) -> Effect | None:
    one, other = (values_of(evidence.captioning, CIDER, run["run"], pairs) for run in pair)
    label = CIDER.label if share == 1 else f"{CIDER.label} with {share:g} times the second"
    return paired_effect(one, share * other, _between(label, pair, pairs), "seeds")


def _more_with_less(evidence: Evidence) -> Effect | None:
    """Compares the margin of ALIGN with the fewest pairs with that with the most."""
    found = []
    for pair in _pairs_of_runs(evidence, ALIGN, *map(of_kind, RIVALS)):
        pairs = common_pairs(evidence.captioning_runs, *pair)
        if len(pairs) > 1:
            few, most = (margin(evidence.captioning, *pair, each) for each in (pairs[0], pairs[-1]))
            what = f"{CIDER.label}, margin of {pair[0]['label']} over {pair[1]['label']} with {pairs_label(pairs[0])}"
            found.append(paired_effect(few, most, f"{what} minus that with {pairs_label(pairs[-1])}{WEAKEST}", "seeds"))
    return _weakest(iter(found))


def _under_noise(values: Callable[[Evidence, str, str, float], pd.Series], measure: str, sign: int = 1) -> Tested:
    """Returns a test of whether ALIGN is better than MLP at the highest level of noise.

    Args:
        values: by seed, of a run, a number of pairs and a level of noise.
        measure: what they are.
        sign: 1 where higher is better, -1 where lower is.
    """

    def effect(evidence: Evidence) -> Effect | None:
        found = []
        for pair in _pairs_of_runs(evidence, ALIGN, of_kind("mlp")):
            level = max(levels(evidence.captioning), default=0.0)
            for pairs in common_pairs(evidence.captioning_runs, *pair) if level else ():
                one, other = (sign * values(evidence, run["run"], pairs, level) for run in pair)
                what = _between(f"{measure} at noise {level:g}", pair[::sign], pairs)
                found.append(paired_effect(one, other, what, "seeds"))
        return _weakest(iter(found))

    return effect


def _kept(evidence: Evidence, run: str, pairs: str, level: float) -> pd.Series:
    return share_kept(evidence.captioning, run, pairs, level)


def _distance(measure: Measure) -> Callable[[Evidence, str, str, float], pd.Series]:
    return lambda evidence, run, pairs, level: values_of(evidence.captioning, measure, run, pairs, noise=level)


def _pruned(evidence: Evidence) -> Effect | None:
    """Compares every pruned vocabulary with the part of the whole one's score that it must keep."""
    if evidence.captioning_runs.empty:
        return None
    sizes = tuple(size for size in evidence.captioning_runs["pruned"].unique() if size)
    return _better(ALIGN_KIND | {"pruned": sizes}, ALIGN_KIND | {"pruned": ("",)}, share=1 - ALLOWED)(evidence)


def _costs(evidence: Evidence) -> Effect | None:
    """Compares time and memory of ALIGN with what MLP takes and a little more, as a share of MLP's."""
    speed = evidence.captioning_speed
    found = []
    for pair in _pairs_of_runs(evidence, ALIGN, of_kind("mlp")) if len(speed) else ():
        for pairs in common_pairs(evidence.captioning_runs, *pair):
            rows = [speed[(speed["run"] == run["run"]) & (speed["pairs"] == pairs)].set_index("seed") for run in pair]
            for key, sign in COSTS.items():
                share = (rows[0][key] / rows[1][key]) ** sign
                what = f"1 + {ALLOWED:g} minus the share of MLP's {key.replace('_', ' ')} that {pair[0]['label']} takes"
                allowed = pd.Series(1 + ALLOWED, index=share.index)
                found.append(paired_effect(allowed, share, f"{what}, {pairs_label(pairs)}{WEAKEST}", "seeds"))
    return _weakest(iter(found))


SOURCE = "arXiv 2502.01341"
OWN = "not published: a check of our own"
SEEDS = "two seeds or more"
NEEDS = "captioning with runs that differ in it alone"
CAPTIONING_CLAIMS = (
    Claim(
        "ALIGN beats an MLP connector on equal data",
        f"{SOURCE}, main table: 58.81 against 53.06, the mean of nine document sets",
        _better(ALIGN, of_kind("mlp")),
        f"captioning with ALIGN and an MLP in one recipe and {SEEDS}",
    ),
    Claim(
        "ALIGN beats a Perceiver connector on equal data",
        f"{SOURCE}, main table: 58.81 against 50.68",
        _better(ALIGN, of_kind("perceiver")),
        f"captioning with ALIGN and a Perceiver in one recipe and {SEEDS}",
    ),
    Claim(
        "ALIGN beats a visual embedding table (Ovis) on equal data",
        f"{SOURCE}, main table: 58.81 against 54.72",
        _better(ALIGN, of_kind("visual-table")),
        f"captioning with ALIGN and a visual table in one recipe and {SEEDS}",
    ),
    Claim(
        "The margin of ALIGN is larger with less data",
        f"{SOURCE}, table 3 against the main table: over MLP 18.71 and 5.75, Perceiver 25.68 and 8.13, Ovis 10.76 and "
        "4.09",
        _more_with_less,
        f"captioning with ALIGN and one of these at two numbers of pairs and {SEEDS}",
    ),
    Claim(
        "ALIGN keeps more of its score than an MLP under noise on the vision features",
        f"{SOURCE}, table 5: 58.81 to 57.14 against 53.06 to 27.52, with an absolute deviation of 3",
        _under_noise(_kept, f"share of {CIDER.label} kept"),
        f"captioning under noise with ALIGN and an MLP in one recipe and {SEEDS}",
    ),
    Claim(
        "Noise moves the outputs of ALIGN by a smaller cosine distance than those of an MLP",
        f"{SOURCE}, table 5: 0.0036 against 0.3938, the common mean left in",
        _under_noise(_distance(COSINE), COSINE.label, COSINE.sign),
        f"captioning under noise with ALIGN and an MLP in one recipe and {SEEDS}",
    ),
    Claim(
        "The cosine distance is still smaller after the mean visual token is taken away",
        OWN,
        _under_noise(_distance(CENTRED), CENTRED.label, CENTRED.sign),
        f"captioning under noise with ALIGN and an MLP in one recipe and {SEEDS}",
    ),
    Claim(
        f"Mixing the most frequent tokens alone costs less than {ALLOWED:.0%} of the score",
        f"{SOURCE}, table 4: 58.69 with 3.4 thousand tokens against 58.81 with 128 thousand",
        _pruned,
        f"{NEEDS}: ALIGN with a pruned vocabulary and the whole, and {SEEDS}",
    ),
    Claim(
        "Starting ALIGN's map as the language model's head helps over a random start",
        f"{OWN}; the unofficial implementation leaves it out",
        _better(ALIGN_KIND | {"head_init": ("True",)}, ALIGN_KIND | {"head_init": ("False",)}),
        f"{NEEDS}: ALIGN with both starts, and {SEEDS}",
    ),
    Claim(
        "The layer norm over the vocabulary helps ALIGN",
        f"{OWN}; the unofficial implementation leaves it out",
        _better(ALIGN_KIND | {"vocabulary_norm": ("True",)}, ALIGN_KIND | {"vocabulary_norm": ("False",)}),
        f"{NEEDS}: ALIGN with the norm and without, and {SEEDS}",
    ),
    Claim(
        f"ALIGN takes at most {ALLOWED:.0%} more time and memory than an MLP",
        f"{SOURCE}, table 7: 0.165 against 0.161 s a sample, 10.9 GB both",
        _costs,
        f"captioning with ALIGN and an MLP in one recipe, their speed, and {SEEDS}",
    ),
)
