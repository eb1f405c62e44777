"""Synthetic results of pre-training whose effects are known: what is shared and pushed apart closes a made-up gap."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from ligature.evaluation import RESULT_COLUMNS
from ligature.reporting.pretraining.runs import labelled, normalised
from ligature.reporting.pretraining.sources import PretrainingInputs, PretrainingSources, read_pretraining

RUN_COLUMNS = [
    *("run", "sharing", "separation", "rescaling", "objective", "alpha", "beta", "logit_scale"),
    *("parameters", "steps", "flops"),
]
HOSTILE_RUN = '<img src=x onerror="alert(1)">'
FOUR = {
    "clip": {},
    "shared": {"sharing": "all"},
    "align": {"sharing": "all", "separation": "image"},
    "apart": {"separation": "image"},
}
"""The four runs of the paper and the one that it leaves out, all at one fixed logit scale."""
EPOCHS = 5
SEEDS = (0, 1, 2)
NOISE = 0.001


def run_row(name: str, **settings: object) -> dict:
    """Returns a row of runs; what is not given is plain CLIP at a fixed logit scale of 100."""
    usual = {"sharing": "none", "separation": "none", "rescaling": "cosine", "objective": "published", "alpha": 1.0}
    usual |= {"beta": 0.5, "logit_scale": "100.0", "steps": 100, "flops": 1e12}
    row = {"run": name} | usual | settings
    return row | {"parameters": 2_600_000 if row["sharing"] == "none" else 1_400_000}


def grid_rows() -> list[dict]:
    """Returns the full grid: two ways of sharing, four of separation, four logit scales."""
    keys = product(("none", "all"), ("none", "image", "text", "both"), ("20.0", "50.0", "100.0", "clamped"))
    return [
        run_row(
            f"sharing~{sharing}/separation~{separation}/logit_scale~{scale}",
            sharing=sharing,
            separation=separation,
            logit_scale=scale,
        )
        for sharing, separation, scale in keys
    ]


def four_rows() -> list[dict]:
    return [run_row(name, **settings) for name, settings in FOUR.items()]


def gap_of(row: dict) -> float:
    """Returns the centroid gap that a run ends at: smaller where shared, apart, or learned."""
    gap = 0.6 * (0.25 if row["sharing"] != "none" else 1.0) * (0.4 if row["separation"] != "none" else 1.0)
    return gap * {"100.0": 1.0, "50.0": 0.6, "20.0": 0.2}.get(str(row["logit_scale"]), 0.15)


def panel_of(gap: float) -> dict[str, float]:
    alignment, unpaired = 0.95 - 0.45 * gap, 0.48 - 0.4 * gap
    return {
        "alignment_score": alignment,
        "unpaired_score": unpaired,
        "paired_margin": alignment - unpaired,
        "centroid_gap": gap,
        "relative_modality_gap": 0.22 + 0.35 * gap,
        "linear_separability": 1.0 if gap > 0.1 else 0.9,
        "image_uniformity": -2.0 + gap,
        "text_uniformity": -1.9 + gap,
    }


def result_rows(rows: list[dict], seeds: tuple[int, ...] = SEEDS, recall: float = 0.5) -> pd.DataFrame:
    """Returns results of all runs and chance; differences between runs are far above the noise of seeds."""
    found = []
    for row, seed in product(rows, seeds):
        noise = NOISE * np.random.default_rng([seed, *row["run"].encode()]).normal()
        gap = gap_of(row)
        values = {("gap", "val", metric): value + noise for metric, value in panel_of(gap).items()}
        for metric in ("i2t_recall@1", "t2i_recall@1"):
            values["retrieval", "val", metric] = recall + 0.05 * (row["sharing"] == "all") + noise
        values["classification", "colours", "top1"] = 0.8 + 0.05 * (row["separation"] != "none") + noise
        values["linear probe", "colours", "top1"] = 0.9 + noise
        found += [_result(key, row["run"], seed, value) for key, value in values.items()]
    chance = {("retrieval", "val", "i2t_recall@1"): 0.002, ("retrieval", "val", "t2i_recall@1"): 0.002}
    chance |= {("classification", "colours", "top1"): 0.125, ("linear probe", "colours", "top1"): 0.125}
    found += [_result(key, "chance", 0, value) for key, value in chance.items()]
    return pd.DataFrame(found, columns=list(RESULT_COLUMNS))


def _result(key: tuple[str, str, str], model: str, seed: int, value: float) -> dict:
    task, dataset, metric = key
    row = {"task": task, "dataset": dataset, "split": "val", "model": model, "protocol": "cosine", "metric": metric}
    return row | {"value": value, "n": 500, "seed": seed, "variant": ""}


def trajectory_rows(rows: list[dict], seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Returns the gap, falling from 1.2 towards its end, and the logit scale, learned or not."""
    found = []
    for row, seed, epoch in product(rows, seeds, range(1, EPOCHS + 1)):
        gap = gap_of(row) + (1.2 - gap_of(row)) * 0.35**epoch * (1 + 0.15 * seed)
        scale = 14.3 + 1.5 * epoch + 0.1 * seed if row["logit_scale"] in ("clamped", "learned") else row["logit_scale"]
        for metric, value in (panel_of(gap) | {"logit_scale": float(scale), "train_loss": gap}).items():
            key = {"run": row["run"], "seed": seed, "epoch": epoch, "step": 20 * epoch}
            found.append(key | {"metric": metric, "value": value})
    return pd.DataFrame(found)


def similarity_rows(rows: list[dict], seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Returns histograms of 80 ranges: paired cosines lie higher than unpaired ones by the margin."""
    edges = np.linspace(-1, 1, 81)
    found = []
    for row, seed in product(rows, seeds):
        panel = panel_of(gap_of(row))
        for kind, mean, spread in (("paired", "alignment_score", 0.05), ("unpaired", "unpaired_score", 0.15)):
            rng = np.random.default_rng([seed, len(kind)])
            counts, _ = np.histogram(np.clip(rng.normal(panel[mean], spread, 800), -1, 1), edges)
            for low, high, count in zip(edges, edges[1:], counts, strict=False):
                key = {"run": row["run"], "seed": seed, "kind": kind}
                found.append(key | {"low": low, "high": high, "count": count})
    return pd.DataFrame(found)


def feature_rows(rows: list[dict], pairs: int = 40) -> pd.DataFrame:
    """Returns pairs in the plane, the two modalities apart by the gap."""
    found = []
    for row in rows:
        rng = np.random.default_rng(1)
        for pair in range(pairs):
            x, y = rng.normal(0, 0.25, 2)
            for modality, side in (("image", -0.5), ("text", 0.5)):
                dx, dy = rng.normal(0, 0.04, 2)
                place = {"x": x + dx + side * gap_of(row), "y": y + dy}
                found.append({"run": row["run"], "seed": 0, "modality": modality, "pair": pair} | place)
    return pd.DataFrame(found)


def write_pretraining(folder: Path, rows: list[dict] | None = None, seeds: tuple[int, ...] = SEEDS) -> None:
    """Writes what the stage leaves into ``folder / "pretraining"``."""
    rows = four_rows() if rows is None else rows
    target = folder / "pretraining"
    target.mkdir(parents=True, exist_ok=True)
    tables = {
        "results": result_rows(rows, seeds),
        "runs": pd.DataFrame(rows, columns=RUN_COLUMNS),
        "trajectories": trajectory_rows(rows, seeds),
        "similarities": similarity_rows(rows, seeds),
        "features_2d": feature_rows(rows),
    }
    for name, table in tables.items():
        table.to_csv(target / f"{name}.csv", index=False)


def read_folder(folder: Path) -> PretrainingInputs:
    """Returns what was written into a folder of results."""
    return read_pretraining(PretrainingSources.in_folder(folder))


def pretraining_inputs(
    rows: list[dict] | None = None, seeds: tuple[int, ...] = SEEDS, drawn: bool = False
) -> PretrainingInputs:
    """Returns the tables of some runs as the page has them; cosines and features where they are to be drawn."""
    rows = four_rows() if rows is None else rows
    return PretrainingInputs(
        results=result_rows(rows, seeds),
        runs=labelled(normalised(pd.DataFrame(rows, columns=RUN_COLUMNS))),
        trajectories=trajectory_rows(rows, seeds),
        similarities=similarity_rows(rows, seeds) if drawn else pd.DataFrame(),
        features=feature_rows(rows).astype({"pair": str}) if drawn else pd.DataFrame(),
    )
