"""Claims on matching without training, each tested on the tables of the experiments."""

import math
from collections.abc import Iterable

from ligature.reporting.claims.effect import Effect, paired_effect
from ligature.reporting.claims.evidence import Claim, Evidence
from ligature.reporting.matching.cka import METRIC, PAIR, agreement_points, rank_correlations
from ligature.reporting.matching.differences import Difference, difference
from ligature.reporting.matching.rows import ACCURACY, LOCAL_CKA, QAP, method_label, setting_label, share_rows
from ligature.reporting.matching.sources import MatchingInputs
from ligature.reporting.text import bounded, plural

PUBLISHED_METHODS = (QAP, (LOCAL_CKA,))
"""The published methods; of QAP the first form that was measured."""
PUBLISHED_BASELINES = ("relative", "linear-unregularised")
NO_SETTING = {"selection": "random", "stretch": "none"}
BOTH = tuple(
    {"selection": selection, "stretch": stretch}
    for selection in ("image-clusters", "text-clusters")
    for stretch in ("transductive", "base")
)
"""Settings with clusters and stretch, the published one first."""
FAR = 2.0
"""Times the CKA of shuffled pairs that counts as far above it."""


def _experiments(evidence: Evidence) -> list[tuple[str, MatchingInputs]]:
    if evidence.matching.empty:
        return []
    inputs = MatchingInputs(evidence.matching, evidence.matching_seedwise, evidence.matching_cka, [])
    return list(inputs.by_experiment().items())


def _measured(part: MatchingInputs, models: Iterable[str]) -> str | None:
    """Returns the first of ``models`` that has plain matching accuracies in an experiment."""
    rows = part.results[(part.results["metric"] == ACCURACY) & (part.results["post"] == "")]
    return next((model for model in models if (rows["model"] == model).any()), None)


def _weakest(found: Iterable[Effect]) -> Effect | None:
    """Returns the effect with the lowest interval: a claim holds if it holds in every experiment."""
    return min((one for one in found if not math.isnan(one.low)), key=lambda one: one.low, default=None)


def _effect(one: Difference | None, measure: str, name: str) -> list[Effect]:
    if one is None:
        return []
    settings = f", mean over {plural(one.settings, 'setting')}" if one.settings > 1 else ""
    measure = f"matching accuracy, {measure}, {bounded(name, 40)}{settings}; the weakest of all comparisons"
    return [Effect(one.value, one.low, one.high, one.draws, measure, f"over {plural(one.draws, 'crossed draw')}")]


def _stretch_and_clusters(evidence: Evidence) -> Effect | None:
    found: list[Effect] = []
    for name, part in _experiments(evidence):
        for model in filter(None, (_measured(part, models) for models in PUBLISHED_METHODS)):
            where = {"metric": ACCURACY, "post": "", "model": model}
            pairs = ((both, difference(part, where, both, NO_SETTING)) for both in BOTH)
            both, one = next(((both, one) for both, one in pairs if one is not None), (NO_SETTING, None))
            measure = f"{method_label(model)}, {setting_label(**both)} minus random anchors without stretch"
            found += _effect(one, measure, name)
    return _weakest(found)


def _against(part: MatchingInputs, name: str, ours: str | None, theirs: str) -> list[Effect]:
    if ours is None:
        return []
    one = difference(part, {"metric": ACCURACY, "post": ""}, {"model": ours}, {"model": theirs})
    return _effect(one, f"{method_label(ours)} minus {method_label(theirs)}", name)


def _beats_baselines(evidence: Evidence) -> Effect | None:
    return _weakest(
        effect
        for name, part in _experiments(evidence)
        for models in PUBLISHED_METHODS
        for baseline in PUBLISHED_BASELINES
        for effect in _against(part, name, _measured(part, models), baseline)
    )


def _beats_ridge(evidence: Evidence) -> Effect | None:
    return _weakest(
        effect
        for name, part in _experiments(evidence)
        for effect in _against(part, name, _measured(part, [LOCAL_CKA]), "ridge")
    )


def _follows_cka(evidence: Evidence) -> Effect | None:
    if evidence.matching.empty or evidence.matching_cka.empty:
        return None
    points = agreement_points(share_rows(evidence.matching), evidence.matching_cka)
    rows = rank_correlations(points).dropna(subset=["spearman_low", "spearman_high"])
    return _weakest(
        Effect(
            float(row.spearman),
            float(row.spearman_low),
            float(row.spearman_high),
            int(row.n),
            f"Spearman of kernel CKA with matching accuracy, {method_label(row.model)}, {bounded(row.experiment, 40)}",
            f"bootstrap over {plural(int(row.n), 'vision encoder')}",
        )
        for row in rows.itertuples()
    )


def _true_above_shuffled(evidence: Evidence) -> Effect | None:
    table = evidence.matching_cka
    if table.empty:
        return None
    values = table[table["metric"] == METRIC].groupby([*PAIR, "order"])["value"].mean().unstack()
    if not {"true", "shuffled"} <= set(values.columns):
        return None
    measure = f"kernel CKA of true pairs minus {FAR:.0f} times that of shuffled ones, mean over encoder pairs"
    return paired_effect(values["true"], FAR * values["shuffled"], measure, "encoder pairs")


MATCHING_CLAIMS = (
    Claim(
        "Stretching and clustered anchors raise matching accuracy",
        "arXiv 2401.05224, T6, as quoted on public pages: QAP 48.8 to 65.5, local CKA 48.5 to 63.3",
        _stretch_and_clusters,
        "a matching experiment with and without stretch and clusters, and two draws or more",
    ),
    Claim(
        "Encoders that agree more by kernel CKA match better without training",
        "arXiv 2401.05224, figure: CKA 0.52 to 0.62 with 33 to 41, CKA 0.67 to 0.71 with 53 to 65",
        _follows_cka,
        "a matching experiment over five vision encoders or more, with its query set among the shuffled ones; of four "
        "even a perfect order comes up by chance once in 24 times",
    ),
    Claim(
        "Kernel CKA of true caption pairs is far above that of shuffled ones",
        "arXiv 2401.05224, T1, as quoted on public pages: 0.72 against 0.01",
        _true_above_shuffled,
        "the CKA of true and shuffled pairs for two encoder pairs or more",
    ),
    Claim(
        "Local CKA and QAP match better than relative representations and a linear map on the same anchors",
        "arXiv 2401.05224; its table is not quoted on public pages",
        _beats_baselines,
        "a matching experiment with the published methods and baselines, and two draws or more",
    ),
    Claim(
        "Local CKA matches better than ridge regression with a tuned penalty on the same anchors",
        "not published: a check of our own, since the published linear map has no penalty",
        _beats_ridge,
        "a matching experiment with local CKA and ridge, and two draws or more",
    ),
)
