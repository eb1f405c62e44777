"""Synthetic rows of the further evaluation: prompt sets, languages, lengths, the gap, masks and a sweep."""

import json
from pathlib import Path

import pandas as pd
from PIL import Image

from ligature.evaluation import RESULT_COLUMNS
from ligature.params.train import SweepParams

PAIR = "resnet-good + minilm"
HOSTILE_CLASS = '<b>dog</b> & "cat"'
RUNS = {
    "first": {"vision_local": "mlp", "vision_cls": "identity", "text_local": "identity", "text_global": "identity"},
    "second": {"vision_local": "token", "vision_cls": "identity", "text_local": "token", "text_global": "mlp"},
    "winner": {},
    "linear": {"vision_local": "linear", "vision_cls": "linear", "text_local": "identity", "text_global": "linear"},
    "whole": {"mode": "tokens"},
    "bytes": {"mode": "tokens-int8"},
    "sigmoid": {"loss": {"kind": "siglip"}},
    "near": {"loss": {"negatives": "local", "group": 10}},
}
"""Runs of the sweep, under names that say nothing about their blocks."""
TOP1 = {
    **{"first": 0.30, "second": 0.50, "winner": 0.51, "linear": 0.40},
    **{"whole": 0.60, "bytes": 0.595, "sigmoid": 0.52, "near": 0.42},
}
SPREAD = (-0.02, 0.0, 0.02)


def rows_table(rows: list[tuple]) -> pd.DataFrame:
    """Returns result rows given as tuples of task, dataset, model, protocol, metric, value, n, variant."""
    table = pd.DataFrame(
        rows, columns=["task", "dataset", "model", "protocol", "metric", "value", "n", "variant"]
    ).assign(split="val", seed=0)
    return table[list(RESULT_COLUMNS)]


def prompt_results() -> pd.DataFrame:
    """Returns classification with two further prompt sets."""
    return rows_table(
        [
            ("classification", "labels", model, f"{number} prompts", "top1", value, 200, variant)
            for number, variant, values in ((1, "single", (0.55, 0.05)), (80, "eighty", (0.65, 0.05)))
            for model, value in zip((PAIR, "chance"), values, strict=True)
        ]
    )


def language_results() -> pd.DataFrame:
    """Returns five languages; nothing is known in Japanese, and Klingon has captions only."""
    tops = {"de": 0.40, "fr": 0.38, "ja": 0.06, "ru": 0.20, "en": 0.60}
    recalls = {"de": 0.30, "fr": 0.28, "ja": 0.02, "ru": 0.10, "en": 0.40, "tlh": 0.01}
    rows = []
    for code, value in tops.items():
        where = ("multilingual classification", "labels")
        rows += [(*where, PAIR, "one prompt", "top1", value, 200, code)]
        rows += [(*where, "chance", "one prompt", "top1", 0.05, 200, code)]
    for code, value in recalls.items():
        for metric, share in (("i2t_recall@1", 1.0), ("t2i_recall@1", 0.9), ("i2t_recall@5", 1.5)):
            where = ("multilingual retrieval", "val")
            rows += [(*where, PAIR, "1 caption", metric, share * value, 100, code)]
            rows += [(*where, "chance", "1 caption", metric, 0.01, 100, code)]
    return rows_table(rows)


def length_results(whole: float = 0.5) -> pd.DataFrame:
    """Returns recall by number of words; image to text gains from the whole text, text to image does not."""
    rows = []
    for words, value in (("all", whole), ("64", 0.3), ("8", 0.1), ("128", 0.45), ("16", 0.2)):
        for metric, reached in (("i2t_recall@1", value), ("t2i_recall@1", 0.25), ("t2i_median_rank", 4.0)):
            rows.append(("long text retrieval", "val", PAIR, "1 description", metric, reached, 200, words))
        rows.append(("long text retrieval", "val", "chance", "1 description", "i2t_recall@1", 0.005, 200, words))
    return rows_table(rows)


def gap_results() -> pd.DataFrame:
    """Returns four measures of the modality gap, one of them unheard of."""
    values = {"alignment_score": 0.6, "relative_modality_gap": 0.3, "linear_separability": 0.95, "new_measure": -0.5}
    return rows_table([("gap", "val", PAIR, "unit", metric, value, 100, "") for metric, value in values.items()])


def further_results() -> pd.DataFrame:
    """Returns everything beside the main rows, in one table."""
    return pd.concat([prompt_results(), language_results(), length_results(), gap_results()], ignore_index=True)


def segmentation_results() -> pd.DataFrame:
    """Returns both protocols with the predictions that look at no image."""
    published = "published: classes of the image known, min-max above 0.4, 1 template, windows of 8 px"
    standard = "standard: best of 4 classes at every pixel, 1 template, windows of 8 px"
    values = [
        (PAIR, published, {"iou": 0.5, "iou_per_class": 0.45}),
        ("everything", published, {"iou": 0.25, "iou_per_class": 0.2}),
        (PAIR, standard, {"miou": 0.4, "pixel_accuracy": 0.8}),
        ("majority", standard, {"miou": 0.15, "pixel_accuracy": 0.6}),
    ]
    return rows_table(
        [
            ("segmentation", "masks", model, protocol, metric, value, 150, "")
            for model, protocol, metrics in values
            for metric, value in metrics.items()
        ]
    )


def segmentation_files(folder: Path) -> None:
    """Writes what ``segment`` leaves: rows, classes, and two pictures of which one is broken."""
    (folder / "overlays").mkdir(parents=True)
    Image.new("RGB", (90, 20), "navy").save(folder / "overlays/one.png")
    (folder / "overlays/two.png").write_bytes(b"no picture")
    segmentation_results().to_csv(folder / "results.csv", index=False)
    classes = {"dataset": "masks", "class": ["NA", HOSTILE_CLASS], "images": [3, 1200], "published_iou": [0.5, None]}
    pd.DataFrame(classes).to_csv(folder / "classes.csv", index=False)
    entries = [
        {
            "dataset": "masks",
            "id": f"image {name}",
            "file": f"overlays/{name}.png",
            "classes": ["sky", HOSTILE_CLASS],
            "predicted": ["sky", "sea"],
            "colours": {"sky": "#800000", HOSTILE_CLASS: "red; background: url(http://x)", "sea": "#008000"},
        }
        for name in ("one", "two")
    ]
    (folder / "overlays.json").write_text(json.dumps(entries), encoding="utf-8")


def sweep_params(runs: dict | None = None) -> SweepParams:
    """Returns the sweep of ``RUNS``."""
    return SweepParams(
        vision="resnet-good",
        text="minilm",
        datasets=["train"],
        classification=["labels"],
        retrieval=["val"],
        seeds=[0, 1, 2],
        steps=10,
        batch_size=20,
        embed_dim=8,
        runs=RUNS if runs is None else runs,
    )


def sweep_results(top1: dict[str, float] | None = None, seeds: int = 3) -> pd.DataFrame:
    """Returns the rows of the sweep: top-1 as given, recall half of it, each with a deviation of 2 points."""
    rows = []
    for run, value in (TOP1 if top1 is None else top1).items():
        for seed in range(seeds):
            moved = value + SPREAD[seed] if seeds > 1 else value
            for task, dataset, metric, share in SWEEP_MEASURES:
                for model, reached in ((run, share * moved), ("chance", 0.05)):
                    rows.append((task, dataset, "val", model, "protocol", metric, reached, 100, seed, ""))
    return pd.DataFrame(rows, columns=list(RESULT_COLUMNS)).drop_duplicates(ignore_index=True)


SWEEP_MEASURES = (
    ("classification", "labels", "top1", 1.0),
    ("retrieval", "val", "i2t_recall@1", 0.5),
    ("retrieval", "val", "t2i_recall@1", 0.5),
)


def sweep_costs() -> pd.DataFrame:
    """Returns what pooled features, tokens and tokens in 8 bits cost."""
    return pd.DataFrame(
        [
            ("pooled", 256.0, 128.0, 2.0, 3.5e7),
            ("tokens", 8704.0, 4096.0, 17.0, 3.5e7),
            ("tokens-int8", 4386.0, 2100.0, 17.0, None),
        ],
        columns=["mode", "image_bytes", "caption_bytes", "image_vectors", "image_flops"],
    )
