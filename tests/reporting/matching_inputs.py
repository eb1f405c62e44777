"""Synthetic results of matching: five experiments whose effects are known, with hostile captions among the samples."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ligature.evaluation import RESULT_COLUMNS
from ligature.matching.draws import crossed_interval
from ligature.reporting.matching.sources import MatchingInputs, MatchingSources, read_matching

AXES = [
    *("experiment", "base", "query", "vision", "text", "base_size", "queries"),
    *("selection", "stretch", "direction", "captions", "base_language", "post"),
]
HOSTILE_CAPTION = '<img src=x onerror=alert(1)> & "a" \u202e dog\n{{ 7 * 7 }}'
SKILL = {
    **{"local-cka-rbf": 0.40, "qap": 0.42, "qap-hollow": 0.425, "ridge": 0.46, "kernel-ridge": 0.50},
    **{"relative": 0.33, "relative-centred": 0.40, "linear-unregularised": 0.12},
}
"""Matching accuracy of every method with 320 anchors, chosen at random, and features as they are."""
ENCODERS = {"resnet-50": 0.45, "vit-in1k": 0.52, "dinov2-large": 0.69, "clip-vit-large": 0.66, "sam-huge": 0.30}
"""Kernel CKA of vision encoders with the text encoder."""
OBJECTIVES = {"qap": 0.500, "qap-faq": 0.505, "qap-hollow": 0.517}
TRUE_OBJECTIVE = 0.512
DRAWS = 3


@dataclass(frozen=True)
class Experiment:
    """Lists as in the parameters of a study; ``gain`` is added for stretch and for clusters."""

    vision: tuple[str, ...] = ("dinov2-large",)
    methods: tuple[str, ...] = tuple(SKILL)
    sizes: tuple[int, ...] = (320,)
    selections: tuple[str, ...] = ("random",)
    stretches: tuple[str, ...] = ("none",)
    directions: tuple[str, ...] = ("i2t",)
    captions: tuple[str, ...] = ("averaged",)
    posts: tuple[str, ...] = ("",)
    languages: tuple[str, ...] = ("",)
    query: str = "nocaps"
    gain: float = 0.08
    classes: bool = False
    skill: dict[str, float] = field(default_factory=lambda: SKILL)


EXPERIMENTS = {
    "sizes": Experiment(
        sizes=(20, 80, 320), directions=("i2t", "t2i"), captions=("averaged", "single"), posts=("", "csls")
    ),
    "settings": Experiment(selections=("random", "image-clusters"), stretches=("none", "transductive")),
    "encoders": Experiment(vision=tuple(ENCODERS), methods=("local-cka-rbf", "qap"), query="coco"),
    "languages": Experiment(languages=("de", "ja"), methods=("local-cka-rbf", "ridge", "relative")),
    "classes": Experiment(classes=True, methods=("local-cka-rbf", "ridge"), query="cifar"),
}


def matching_tables(
    experiments: dict[str, Experiment] | None = None, draws: int = DRAWS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the rows of results and of draws: crossed draws move all methods of a cell alike."""
    rng = np.random.default_rng(0)
    results, seedwise = [], []
    for name, experiment in (EXPERIMENTS if experiments is None else experiments).items():
        shared = 0.012 * rng.normal(size=(draws, 1)) + 0.008 * rng.normal(size=(1, draws))
        for cell in _cells(name, experiment):
            for model, post, metric, value in _values(experiment, cell):
                moves = model != "chance" and "objective" not in metric
                noise = shared + 0.002 * rng.normal(size=(draws, draws))
                grid = np.clip(value * (1 + moves * noise / SKILL["local-cka-rbf"]), 0, 1)
                row = _row(experiment, cell, model, post, metric)
                found = crossed_interval(grid, 500)
                results.append(row | vars(found) | {"value": found.mean, "draws": draws * draws})
                seedwise += [
                    row | {"value": grid[base, query], "base_seed": base, "query_seed": query}
                    for base, query in product(range(draws), repeat=2)
                    if model != "chance"
                ]
    columns = [*RESULT_COLUMNS, *AXES]
    return (
        pd.DataFrame(results, columns=[*columns, "low", "high", "sd", "draws"]),
        pd.DataFrame(seedwise, columns=[*columns, "base_seed", "query_seed"]),
    )


def _cells(name: str, experiment: Experiment) -> Iterator[dict]:
    lists = (experiment.vision, experiment.sizes, experiment.selections, experiment.stretches)
    more = (experiment.directions, experiment.captions, experiment.languages)
    for vision, size, selection, stretch, direction, captions, language in product(*lists, *more):
        yield {
            **{"experiment": name, "base": "coco", "query": experiment.query, "vision": vision, "text": "roberta"},
            **{"base_size": size, "queries": 500, "selection": selection, "stretch": stretch, "direction": direction},
            **{"captions": captions, "base_language": "own", "variant": language},
        }


def _values(experiment: Experiment, cell: dict) -> Iterator[tuple[str, str, str, float]]:
    """Yields method, what was done to its scores, metric and value; then chance."""
    moved = experiment.gain * ((cell["selection"] != "random") + (cell["stretch"] != "none"))
    moved += ENCODERS[cell["vision"]] - ENCODERS["dinov2-large"] - 0.1 * (cell["captions"] == "single")
    scale = (cell["base_size"] / 320) ** 0.3 * (0.002 if cell["variant"] == "ja" else 1.0)
    shares = {"matching_accuracy": 1.0, "top1": 0.8, "top5": 1.3, "top10": 1.5}
    for model, post in product(experiment.methods, experiment.posts):
        value = max(0.0, experiment.skill[model] + moved) * scale
        for metric, share in shares.items():
            is_match = metric == "matching_accuracy"
            if (model in OBJECTIVES and (not is_match or post)) or (experiment.classes and is_match):
                continue
            yield model, post, metric, share * value + (0.08 if post and not is_match else 0.0)
        if model in OBJECTIVES and not post:
            yield model, post, "objective", OBJECTIVES[model]
            yield model, post, "true_objective", TRUE_OBJECTIVE
    for metric, hits in (("matching_accuracy", 1), ("top1", 1), ("top5", 5), ("top10", 10)):
        if not (experiment.classes and metric == "matching_accuracy"):
            yield "chance", "", metric, hits / (100 if experiment.classes else 500)


def _row(experiment: Experiment, cell: dict, model: str, post: str, metric: str) -> dict:
    return cell | {
        **{"task": "matching", "dataset": experiment.query, "split": "val", "model": model, "post": post},
        **{"protocol": "one to one", "metric": metric, "n": 500, "seed": 0},
    }


def cka_table() -> pd.DataFrame:
    """Returns the CKA of true and shuffled pairs of ``ENCODERS`` on the data set of the experiment over encoders."""
    rows = []
    for vision, value in ENCODERS.items():
        for order, share in (("true", 1.0), ("half-shuffled", 0.4), ("shuffled", 0.03)):
            for metric, moved in (("cka_rbf", 0.0), ("cka_biased", 0.05), ("cka_debiased", -0.01)):
                row = {"dataset": "coco", "vision": vision, "text": "roberta", "order": order, "metric": metric}
                rows.append(row | {"value": share * value + moved, "n": 5000, "draws": 1 if order == "true" else 5})
    return pd.DataFrame(rows)


def matching_samples(images: Path) -> list[dict]:
    """Returns two cards; among the pairs are a wrong match, a broken image and hostile captions."""
    images.mkdir(parents=True, exist_ok=True)
    for number, colour in enumerate(("navy", "olive")):
        Image.new("RGB", (60, 40), colour).save(images / f"{number}.png")
    (images / "broken.png").write_bytes(b"no picture")
    pairs = [
        {"image": str(images / "0.png"), "caption": "two boats", "truth": "two boats", "correct": True},
        {"image": str(images / "1.png"), "caption": HOSTILE_CAPTION, "truth": "a field </li>", "correct": False},
        {"image": str(images / "broken.png"), "caption": "long " * 100, "truth": "x", "correct": False},
    ]
    entry = {"experiment": "sizes", "dataset": "nocaps", "vision": "dinov2-large", "text": "roberta"}
    entry |= {"method": "local-cka-rbf", "base_size": 320, "direction": "i2t"}
    return [entry | {"pairs": pairs}, entry | {"experiment": "settings", "method": "qap", "pairs": pairs[:1]}]


def write_matching(folder: Path, experiments: dict[str, Experiment] | None = None) -> None:
    """Writes what the stage leaves into ``folder / "matching"``."""
    target = folder / "matching"
    target.mkdir(parents=True, exist_ok=True)
    results, seedwise = matching_tables(experiments)
    results.to_csv(target / "results.csv", index=False)
    seedwise.to_csv(target / "seedwise.csv", index=False)
    cka_table().to_csv(target / "cka.csv", index=False)
    (target / "samples.json").write_text(json.dumps(matching_samples(folder / "matched")), encoding="utf-8")


def matching_inputs(experiments: dict[str, Experiment], draws: int = DRAWS) -> MatchingInputs:
    """Returns the tables of some experiments as the page has them, without samples."""
    results, seedwise = matching_tables(experiments, draws)
    numbers = dict.fromkeys(("n", "base_size", "queries"), float)
    return MatchingInputs(results.astype(numbers), seedwise.astype(numbers), cka_table(), [])


def read_folder(folder: Path) -> MatchingInputs:
    """Returns what was written into a folder of results."""
    return read_matching(MatchingSources.in_folder(folder))
