import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.reporting.claims import CLAIM_COLUMNS, Evidence, claims_table, paired_effect, proportion_effect

COLUMNS = ("task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed", "variant")
NOTHING = pd.DataFrame(columns=list(COLUMNS))


def rows(*values: dict) -> pd.DataFrame:
    """Returns result rows; what is not given is as in most tests."""
    usual = {"task": "classification", "dataset": "d", "split": "val", "model": "m", "protocol": "p", "metric": "top1"}
    return pd.DataFrame([usual | {"n": 1000, "seed": 0, "variant": ""} | row for row in values], columns=list(COLUMNS))


def evidence(**tables: pd.DataFrame) -> Evidence:
    empty = {
        "correlations": pd.DataFrame(),
        "mixes": pd.DataFrame(columns=["mix", "set"]),
        "segmentation": pd.DataFrame(),
    }
    return Evidence(**({"results": NOTHING, "ablation": NOTHING, "sweep": NOTHING} | empty | tables))


def row_of(table: pd.DataFrame, words: str) -> pd.Series:
    found = table[table["claim"].str.contains(words)]
    assert len(found) == 1
    return found.iloc[0]


def test_without_any_evidence_nothing_is_claimed():
    table = claims_table(evidence())
    assert tuple(table.columns) == CLAIM_COLUMNS
    assert set(table["status"]) == {"not tested"}
    assert table["note"].str.startswith("takes ").all()
    assert table["effect"].isna().all()


def test_an_effect_over_seeds_has_students_interval():
    ours, theirs = pd.Series([3.0, 5.0, 4.0], index=[0, 1, 2]), pd.Series([1.0, 2.0, 3.0], index=[2, 1, 0])
    effect = paired_effect(ours, theirs, "x", "seeds")
    differences = np.array([3 - 3, 5 - 2, 4 - 1.0])
    half = 4.302652729911275 * differences.std(ddof=1) / math.sqrt(3)
    assert effect.value == pytest.approx(2.0)
    assert (effect.low, effect.high) == pytest.approx((2 - half, 2 + half))
    assert effect.n == 3
    assert not effect.holds


def test_one_seed_gives_no_interval():
    assert paired_effect(pd.Series([1.0], index=[0]), pd.Series([0.0], index=[0]), "x", "seeds") is None
    assert paired_effect(pd.Series([1.0, 2.0], index=[0, 1]), pd.Series([0.0], index=[7]), "x", "seeds") is None


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_difference_of_proportions_lies_inside_its_interval(value, other, n, other_n):
    effect = proportion_effect(value, n, other, other_n, "x")
    assert effect.low <= effect.value <= effect.high
    exact = proportion_effect(value, n, other, None, "x")
    assert exact.high - exact.low <= effect.high - effect.low
    swapped = proportion_effect(other, other_n, value, n, "x")
    assert swapped.value == -effect.value
    assert not (effect.holds and swapped.holds)


def test_the_winner_of_a_sweep_is_held_against_the_best_of_the_others():
    values = {"token-token-token-mlp": (0.8, 0.82), "id-token-token-mlp": (0.7, 0.71), "mlp-id-id-id": (0.6, 0.62)}
    runs = rows(
        *(
            {"model": name, "seed": seed, "value": value}
            for name, pair in values.items()
            for seed, value in enumerate(pair)
        )
    )
    row = row_of(claims_table(evidence(sweep=runs)), "beat the other assemblies")
    assert row["effect"] == pytest.approx(0.105)
    assert "id-token-token-mlp" in row["measure"]
    assert row["status"] == "holds"
    turned = runs.assign(value=1 - runs["value"])
    assert row_of(claims_table(evidence(sweep=turned)), "beat the other assemblies")["status"] == "does not hold"


MIXES = pd.DataFrame(
    {"mix": ["cc", "cap", "both", "both"], "set": ["collected", "captions", "collected", "captions"]},
)


def mix_rows(**values: tuple[float, float]) -> pd.DataFrame:
    """Returns rows of mixes: (top-1, R@1), the same up to a little for three seeds."""
    return rows(
        *(
            {"model": mix, "seed": seed, "metric": metric, "value": value + 0.001 * seed * (1 + len(mix))}
            for mix, pair in values.items()
            for metric, value in zip(("top1", "i2t_recall@1", "t2i_recall@1"), (pair[0], pair[1], pair[1]), strict=True)
            for seed in range(3)
        )
    )


def test_mixes_are_known_by_their_sets_and_not_by_their_names():
    table = claims_table(evidence(ablation=mix_rows(cc=(0.9, 0.2), cap=(0.6, 0.5), both=(0.85, 0.55)), mixes=MIXES))
    assert row_of(table, "Class-collected data lift")["effect"] == pytest.approx(0.3 - 0.001)
    assert row_of(table, "Captioned data lift")["status"] == "holds"
    both = row_of(table, "mix has both")
    assert both["status"] == "holds"
    assert both["measure"].startswith("top-1, both minus cap")


def test_a_claim_of_two_parts_fails_with_one_of_them():
    table = claims_table(evidence(ablation=mix_rows(cc=(0.9, 0.6), cap=(0.6, 0.5), both=(0.85, 0.55)), mixes=MIXES))
    both = row_of(table, "mix has both")
    assert both["status"] == "does not hold"
    assert both["measure"].startswith("mean R@1, both minus cc")


def test_similarity_predicts_where_its_interval_is_above_zero():
    row = {"metric": "cka_debiased", "target": "probe_mean_recall", "dataset": "d", "n": 18, "spearman": 0.6}
    good = pd.DataFrame([row | {"spearman_low": 0.2, "spearman_high": 0.8}])
    weak = pd.DataFrame([row | {"spearman_low": -0.2, "spearman_high": 0.9}])
    assert row_of(claims_table(evidence(correlations=good)), "two frozen encoders")["status"] == "holds"
    assert row_of(claims_table(evidence(correlations=weak)), "two frozen encoders")["status"] == "does not hold"
    assert (
        row_of(claims_table(evidence(correlations=weak.assign(spearman=np.nan))), "two frozen encoders")["status"]
        == "not tested"
    )


def test_the_weakest_language_decides():
    def language(name: str, value: float, task: str = "multilingual retrieval") -> list[dict]:
        usual = {"task": task, "metric": "t2i_recall@1", "variant": name, "n": 500}
        return [usual | {"value": value}, usual | {"value": 0.002, "model": "chance"}]

    strong = rows(*language("en", 0.6), *language("de", 0.5), *language("ru", 0.3))
    assert row_of(claims_table(evidence(results=strong)), "languages")["status"] == "holds"
    weak = rows(*language("en", 0.6), *language("de", 0.5), *language("ru", 0.004))
    row = row_of(claims_table(evidence(results=weak)), "languages")
    assert row["status"] == "does not hold"
    assert "(ru, d)" in row["measure"]


def test_whole_descriptions_are_held_against_what_fits_clip():
    def length(words: str, value: float) -> dict:
        return {
            "task": "long text retrieval",
            "metric": "t2i_recall@1",
            "variant": words,
            "value": value,
            "n": 2000,
        }

    table = claims_table(
        evidence(results=rows(length("8", 0.1), length("64", 0.4), length("128", 0.7), length("all", 0.5)))
    )
    row = row_of(table, "longer than CLIP")
    assert row["effect"] == pytest.approx(0.1)
    assert "first 64 words" in row["measure"]
    assert row["status"] == "holds"


def test_segmentation_is_held_against_calling_everything_the_class():
    table = pd.DataFrame(
        {
            "dataset": "masks",
            "class": ["background", "circle", "star"],
            "published_iou": [0.6, 0.3, 0.32],
            "published_iou_everything": [0.5, 0.1, 0.13],
        }
    )
    row = row_of(claims_table(evidence(segmentation=table)), "segment")
    assert row["effect"] == pytest.approx((0.1 + 0.2 + 0.19) / 3)
    assert row["n"] == 3
    assert row["status"] == "holds"
    worse = table.assign(published_iou=table["published_iou_everything"] - [0.1, -0.01, 0])
    assert row_of(claims_table(evidence(segmentation=worse)), "segment")["status"] == "does not hold"


def test_a_baseline_beside_the_own_pair_decides_nothing():
    def length(words: str, value: float, model: str) -> dict:
        return {
            "task": "long text retrieval",
            "metric": "t2i_recall@1",
            "variant": words,
            "value": value,
            "n": 2000,
            "model": model,
        }

    own = [length("64", 0.4, "own"), length("all", 0.5, "own")]
    other = [length("64", 0.9, "clip"), length("all", 0.1, "clip")]
    row = row_of(claims_table(evidence(results=rows(*own, *other))), "longer than CLIP")
    assert row["effect"] == pytest.approx(0.1)
