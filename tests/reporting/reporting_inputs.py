"""Synthetic inputs of a report: small, plausible, and with hostile names and captions in them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from evaluation_inputs import further_results, segmentation_files, sweep_costs, sweep_params, sweep_results
from PIL import Image

from ligature.evaluation import RESULT_COLUMNS
from ligature.params import Study, load_study

VISION = ["pixels", "vit-plain", "resnet-good"]
TEXT = ["words", "minilm"]
TITLE = "Small & <b>bold</b>"
HOSTILE = "<script>alert('x')</script> \"quoted\" & $\\frac{1}{2}$\nsecond line"
_PIXELS = {"encoder": "pixels", "modality": "image", "view": "pooled", "dataset": "val", "dims": 64}
STORES = [
    _PIXELS | {"rows": 40, "skipped": 3},
    _PIXELS | {"rows": 20, "skipped": 1},
    {
        "encoder": "minilm",
        "modality": "text",
        "dataset": "val",
        "rows": 300,
        "dims": 8,
        "truncated": 7,
        "max_tokens": 16,
    },
]


def small_study() -> Study:
    """Returns the tiny study with a title that looks like markup, and a sweep."""
    study = load_study(Path(__file__).parents[1] / "studies/tiny.yaml")
    report = study.report.model_copy(update={"title": TITLE})
    return study.model_copy(update={"report": report, "sweep": sweep_params()})


def pairs_table(dataset: str = "val") -> pd.DataFrame:
    """Returns six pairs; similarity, recall and loss agree in rank, mutual k-NN runs the other way."""
    rows = []
    for order, (vision, text) in enumerate((vision, text) for vision in VISION for text in TEXT):
        similarity = 0.05 + 0.1 * order
        rows.append(
            {"dataset": dataset, "vision": vision, "text": text, "n": 50, "vision_dim": 64, "text_dim": 8}
            | {"cka_biased": similarity + 0.2, "cka_debiased": similarity, "cka_rbf": similarity + 0.1}
            | {"cka_ci_low": similarity - 0.02, "cka_ci_high": similarity + 0.02, "mutual_knn": 0.9 - similarity}
            | {
                "cka_null_mean": 0.0,
                "cka_null_sd": 0.01,
                "cka_z": 100 * similarity,
                "cka_p": 0.5 if order == 0 else 0.01,
            }
            | {"probe_i2t_recall@1": similarity, "probe_t2i_recall@1": similarity, "probe_i2t_recall@10": 0.8}
            | {"probe_t2i_recall@10": 0.7, "probe_mean_recall": similarity / 2, "probe_loss": 3 - similarity}
        )
    return pd.DataFrame(rows)


def correlations_table(dataset: str = "val") -> pd.DataFrame:
    """Returns the correlations of ``pairs_table``."""
    signs = {"cka_debiased": 1.0, "cka_biased": 1.0, "cka_rbf": 1.0, "mutual_knn": -1.0}
    return pd.DataFrame(
        {
            "dataset": dataset,
            "metric": metric,
            "target": target,
            "pearson": side * sign,
            "spearman": side * sign,
            "n": 6,
        }
        for target, side in (("probe_mean_recall", 1), ("probe_loss", -1))
        for metric, sign in signs.items()
    )


def history_table() -> pd.DataFrame:
    """Returns forty steps; recall is measured at every tenth and is best before the end."""
    steps = np.arange(1, 41)
    table = pd.DataFrame({"step": steps, "epoch": 1 + steps // 20, "train_loss": 4 - 0.05 * steps})
    table = table.assign(learning_rate=1e-3 * steps / 40, temperature=0.07 - 0.001 * steps)
    measured = {10: 0.1, 20: 0.3, 30: 0.5, 40: 0.4}
    for column in ("validation_i2t_recall@1", "validation_t2i_recall@1", "validation_i2t_recall@5"):
        table[column] = table["step"].map(measured)
    return table


def results_table() -> pd.DataFrame:
    """Returns two tasks, the model and chance; retrieval in one direction is no better than chance."""
    model = "resnet-good + minilm"
    rows = [
        ("classification", "labels", "val", model, "one template", "top1", 0.6, 200, 0),
        ("classification", "labels", "val", "chance", "one template", "top1", 0.05, 200, 0),
        ("retrieval", "val", "val", model, "cosine", "i2t_recall@1", 0.25, 100, 0),
        ("retrieval", "val", "val", model, "cosine", "t2i_recall@1", 0.02, 100, 0),
        ("retrieval", "val", "val", model, "cosine", "i2t_median_rank", 4.0, 100, 0),
        ("retrieval", "val", "val", "chance", "cosine", "i2t_recall@1", 0.01, 100, 0),
        ("retrieval", "val", "val", "chance", "cosine", "t2i_recall@1", 0.01, 100, 0),
    ]
    return pd.DataFrame(rows, columns=[*RESULT_COLUMNS[:-1]]).assign(variant="")


def write_inputs(folder: Path, dataset: str = "val") -> None:
    """Writes all files a report reads, as the stages leave them, with ``dataset`` as the name of the data set."""
    chosen = {"vision": "resnet-good", "text": "minilm", "rank_by": "cka_debiased", "value": 0.55, "chosen_by": "rank"}
    facts = {"steps": 40, "train_loss": 2.0, "settings": {"epochs": 2}}
    projector = {"config": {"embed_dim": 8, "vision_cls": None, "widths": [64, 8]}, "facts": facts, "provenance": {}}
    rng = np.random.default_rng(0)
    points = [
        {"stage": stage, "modality": modality, "pair": pair, "x": rng.normal(), "y": rng.normal()}
        for stage in ("before", "after")
        for modality in ("image", "text")
        for pair in range(12)
    ]
    tables = {
        "pairs/pairs.csv": pairs_table(dataset),
        "pairs/correlations.csv": correlations_table(dataset),
        "train/history.csv": history_table(),
        "evaluation/results.csv": pd.concat([results_table(), further_results()]),
        "evaluation/features_2d.csv": pd.DataFrame(points),
        "sweep/results.csv": sweep_results(),
        "sweep/costs.csv": sweep_costs(),
    }
    records = {
        "pairs/chosen.json": chosen,
        "train/projector.json": projector,
        "evaluation/samples.json": samples(folder / "images", dataset),
    }
    for name in ("pairs", "train", "evaluation", "sweep"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    segmentation_files(folder / "segmentation")
    for name, table in tables.items():
        table.to_csv(folder / name, index=False)
    for name, record in records.items():
        (folder / name).write_text(json.dumps(record), encoding="utf-8")


def samples(images: Path, dataset: str) -> list[dict]:
    """Returns one query in each direction; one of the hits is a broken image."""
    images.mkdir(parents=True, exist_ok=True)
    paths = [str(images / f"{number}.png") for number in range(3)]
    for path, colour in zip(paths, ("red", "green", "blue"), strict=True):
        Image.new("RGB", (40, 30), colour).save(path)
    broken = images / "broken.png"
    broken.write_bytes(Path(paths[0]).read_bytes()[:40])
    texts = [{"text": text, "score": 0.5, "correct": text == HOSTILE} for text in (HOSTILE, "word " * 200)]
    pictures = [{"image": path, "score": 0.25, "correct": False} for path in (paths[1], str(broken), "nowhere.png")]
    return [
        {"dataset": dataset, "direction": "i2t", "query": {"image": paths[0]}, "hits": texts},
        {"dataset": dataset, "direction": "t2i", "query": {"text": HOSTILE}, "hits": pictures},
    ]
