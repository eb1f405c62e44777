"""Every published claim with the measurement of this study that tests it; computed from the tables alone."""

from collections.abc import Callable
from dataclasses import fields

import pandas as pd

from ligature.reporting.ablation_readings import role_of
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.claims.captioning import CAPTIONING_CLAIMS
from ligature.reporting.claims.effect import Effect, paired_effect, proportion_effect
from ligature.reporting.claims.evidence import Claim, Evidence
from ligature.reporting.claims.matching import MATCHING_CLAIMS
from ligature.reporting.claims.pretraining import PRETRAINING_CLAIMS

CLAIM_COLUMNS = ("claim", "published", "status", "measure", "effect", "low", "high", "n", "interval", "note")
HOLDS, FAILS, UNTESTED = "holds", "does not hold", "not tested"
PUBLISHED_RUNS = (
    *("mlp-id-id-id", "token-id-id-id", "token-id-id-mlp", "token-id-token-id"),
    *("token-id-token-mlp", "id-token-token-mlp", "token-token-token-mlp"),
)
WINNER, WITHOUT_LOCAL = "token-token-token-mlp", "id-token-token-mlp"
LIMIT_OF_CLIP = 64
"""Words that fit about 77 tokens, the limit of CLIP's text encoder."""


def claims_table(evidence: Evidence) -> pd.DataFrame:
    """Returns one row a claim with ``CLAIM_COLUMNS``: its effect, and whether its interval lies above zero."""
    return pd.DataFrame([_row(claim, claim.effect(evidence)) for claim in CLAIMS], columns=list(CLAIM_COLUMNS))


def _row(claim: Claim, effect: Effect | None) -> dict[str, object]:
    row = {"claim": claim.claim, "published": claim.published}
    if effect is None:
        return row | {"status": UNTESTED, "note": f"takes {claim.missing}"}
    values = {field.name: getattr(effect, field.name) for field in fields(effect)}
    return row | values | {"status": HOLDS if effect.holds else FAILS, "effect": effect.value, "note": ""}


def _by_seed(rows: pd.DataFrame, metrics: tuple[str, ...]) -> pd.Series:
    """Returns the mean of some metrics over data sets, indexed by seed."""
    chosen = rows[rows["metric"].isin(metrics)]
    return chosen.groupby("seed")["value"].mean()


TOP1, RECALL1 = ("top1",), ("i2t_recall@1", "t2i_recall@1")


def _similarity_predicts(evidence: Evidence) -> Effect | None:
    table = evidence.correlations
    if table.empty or "spearman_low" not in table:
        return None
    rows = table[(table["metric"] == "cka_debiased") & (table["target"] == "probe_mean_recall")]
    rows = rows.dropna(subset=["spearman", "spearman_low", "spearman_high"])
    if rows.empty:
        return None
    row = rows.iloc[0]
    measure = f"Spearman of debiased CKA with the recall of short trainings, {row['dataset']}"
    low, high = float(row["spearman_low"]), float(row["spearman_high"])
    return Effect(float(row["spearman"]), low, high, int(row["n"]), measure, "bootstrap over pairs")


def _run_against(ours: str, others: Callable[[set[str]], list[str]], metrics: tuple[str, ...], measure: str):
    """Returns an effect: a run of the sweep against the best of others, by their mean over seeds."""

    def effect(evidence: Evidence) -> Effect | None:
        values = {name: _by_seed(rows, metrics) for name, rows in evidence.sweep.groupby("model", sort=False)}
        values = {name: series for name, series in values.items() if len(series)}
        rivals = [name for name in others(set(values)) if name in values]
        if ours not in values or not rivals:
            return None
        best = max(rivals, key=lambda name: values[name].mean())
        return paired_effect(values[ours], values[best], f"{measure}, {ours} minus {best}", "seeds")

    return effect


def _mix_against(ours: str, theirs: str, metrics: tuple[str, ...], measure: str):
    """Returns an effect: mixes of one role against mixes of another."""

    def effect(evidence: Evidence) -> Effect | None:
        if evidence.mixes.empty or evidence.ablation.empty:
            return None
        roles = {role_of(set(rows["set"])): mix for mix, rows in evidence.mixes.groupby("mix", sort=False)}
        if ours not in roles or theirs not in roles:
            return None
        one, other = (
            _by_seed(evidence.ablation[evidence.ablation["model"] == roles[role]], metrics) for role in (ours, theirs)
        )
        return paired_effect(one, other, f"{measure}, {roles[ours]} minus {roles[theirs]}", "seeds")

    return effect


def _least(*effects: Callable[[Evidence], Effect | None]) -> Callable[[Evidence], Effect | None]:
    """Returns the effect with the lowest interval: a claim of several parts holds if all of them do."""

    def effect(evidence: Evidence) -> Effect | None:
        found = [part(evidence) for part in effects]
        return None if None in found else min(found, key=lambda part: part.low)

    return effect


def _segments(evidence: Evidence) -> Effect | None:
    table = evidence.segmentation
    if table.empty:
        return None
    rows = table.set_index(["dataset", "class"])
    measure = "IoU of the published protocol, minus calling every pixel the class, mean over classes"
    return paired_effect(rows["published_iou"], rows["published_iou_everything"], measure, "classes")


def _text_to_image(evidence: Evidence, task: str) -> pd.DataFrame:
    """Returns the text-to-image R@1 of the study's own pair, which stands first, on a task, with chance."""
    table = evidence.results
    own = table.loc[table["model"] != CHANCE, "model"].head(1)
    rows = table[(table["task"] == task) & (table["metric"] == "t2i_recall@1")]
    chance = rows[rows["model"] == CHANCE].groupby(["dataset", "variant"])["value"].first().rename("chance")
    return rows[rows["model"].isin(own)].join(chance, on=["dataset", "variant"])


def _languages(evidence: Evidence) -> Effect | None:
    rows = _text_to_image(evidence, "multilingual retrieval")
    rows = rows[(rows["variant"] != "en") & rows["chance"].notna()]
    measure = "text to image R@1 above ten times chance, the weakest language"
    found = [
        proportion_effect(row.value, int(row.n), 10 * row.chance, None, f"{measure} ({row.variant}, {row.dataset})")
        for row in rows.itertuples()
    ]
    return min(found, key=lambda part: part.low, default=None)


def _long_texts(evidence: Evidence) -> Effect | None:
    rows = _text_to_image(evidence, "long text retrieval")
    found = []
    for dataset, group in rows.groupby("dataset", sort=False):
        of_length = {row.variant: row for row in group.itertuples()}
        cut = [words for words in of_length if words.isdigit() and int(words) <= LIMIT_OF_CLIP]
        if "all" in of_length and cut:
            whole, short = of_length["all"], of_length[longest := max(cut, key=int)]
            measure = f"text to image R@1, whole descriptions minus their first {longest} words, {dataset}"
            found.append(proportion_effect(whole.value, int(whole.n), short.value, int(short.n), measure))
    return min(found, key=lambda part: part.low, default=None)


def _never(evidence: Evidence) -> None:
    return None


CLAIMS = (
    Claim(
        "The similarity (CKA) of two frozen encoders predicts how well they can be joined",
        "Fig. 1, 4 and A.5: CKA against loss and retrieval over pairs trained on COCO",
        _similarity_predicts,
        "pair discovery with probes of three pairs or more",
    ),
    Claim(
        "Token projectors on patches, CLS and text with an MLP on the pooled text beat the other assemblies",
        "T1: 76.12 against 75.53 at most, ImageNet top-1",
        _run_against(WINNER, lambda names: [name for name in PUBLISHED_RUNS if name != WINNER], TOP1, "top-1"),
        "a sweep with the runs of T1 and two seeds or more",
    ),
    Claim(
        "Patch tokens add to the CLS token",
        "T1: 76.12 against 75.53",
        _run_against(WINNER, lambda names: [WITHOUT_LOCAL], TOP1, "top-1"),
        f"a sweep with the runs {WINNER} and {WITHOUT_LOCAL} and two seeds or more",
    ),
    Claim(
        "Class-collected data lift classification",
        "T2: 76.12 against 54.17, ImageNet top-1",
        _mix_against("collected", "captioned", TOP1, "top-1"),
        "an ablation over class-collected and captioned mixes with two seeds or more",
    ),
    Claim(
        "Captioned data lift retrieval",
        "T2: Flickr30k R@1 85.30 / 72.44 against 52.70 / 42.48",
        _mix_against("captioned", "collected", RECALL1, "mean R@1"),
        "an ablation over class-collected and captioned mixes with two seeds or more",
    ),
    Claim(
        "The mix has both: it classifies better than captioned data and retrieves better than class-collected data",
        "T2: 75.04 and 81.32 / 71.38",
        _least(
            _mix_against("both", "captioned", TOP1, "top-1"),
            _mix_against("both", "collected", RECALL1, "mean R@1"),
        ),
        "an ablation over a mix of both with two seeds or more",
    ),
    Claim(
        "Projected patches segment without any training on masks",
        "T5: IoU 31.37 on VOC, 24.61 on Context",
        _segments,
        "a data set with masks",
    ),
    Claim(
        "The languages of the text encoder survive an alignment on English alone",
        "T6: retrieval 60.6 (German), 60.6 (French), 45.6 (Japanese), 52.7 (Russian) against 70.7 (English)",
        _languages,
        "captions in several languages",
    ),
    Claim(
        "Retrieval gains from texts longer than CLIP's 77 tokens",
        "Fig. 5: it keeps improving up to 200 to 300 tokens",
        _long_texts,
        "long descriptions, whole and cut",
    ),
    Claim(
        "Aligning frozen encoders takes a small part of the compute of training from scratch",
        "T7: 400 against 21,845 and 25,400 GPU-hours",
        _never,
        "a contrastive training from scratch that reaches as much; see the account of compute for what was spent",
    ),
    *MATCHING_CLAIMS,
    *PRETRAINING_CLAIMS,
    *CAPTIONING_CLAIMS,
)
