"""A study that captions thirty pictures of three colours: a language model of its own, small connectors, two seeds."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ligature.cli import data
from ligature.cli.captioning.appraise import appraise
from ligature.cli.captioning.connect import connect
from ligature.cli.captioning.language import language
from ligature.params import parse_study
from ligature.store import Layout

COLOURS = ("red", "green", "blue")
GERMAN = ("rot", "grün", "blau")
VIT = {"architecture": "vit", "objective": "none", "dataset": None, "epochs": 0}
STAGES = [
    {"datasets": ["photos"], "learning_rates": {"connector": 0.01}, "epochs": 6, "batch_size": 4},
    {
        **{"datasets": ["photos", "more"], "learning_rates": {"connector": 0.005, "language": 0.005}},
        **{"epochs": 3, "batch_size": 4, "decay": "linear"},
    },
]


def picture(generator: np.random.Generator, channel: int, path: Path) -> None:
    """Writes a noisy picture of one colour; its sides differ, so that it must be squeezed."""
    pixels = generator.integers(0, 120, (20, 26, 3))
    pixels[..., channel] += 120
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def write_set(folder: Path, name: str, count: int, seed: int) -> None:
    """Writes ``count`` pictures with two captions each, but for the last, which has none."""
    generator, annotations = np.random.default_rng(seed), []
    for number in range(count):
        picture(generator, number % 3, folder / name / f"{name}{number}.png")
        texts = (f"a {COLOURS[number % 3]} picture", f"number {number} is very {COLOURS[number % 3]}")
        annotations += [{"image_id": number, "caption": text} for text in texts[: 0 if number == count - 1 else 2]]
    images = [{"id": number, "file_name": f"{name}{number}.png"} for number in range(count)]
    captions = {"images": images, "annotations": [{"id": place} | row for place, row in enumerate(annotations)]}
    (folder / f"{name}.json").write_text(json.dumps(captions))


def write_data(folder: Path) -> None:
    """Writes three sets of pictures, and captions in German and long descriptions of the first."""
    for seed, (name, count) in enumerate((("photos", 13), ("more", 7), ("told", 9))):
        write_set(folder, name, count, seed)
    lines = [{"id": str(number), "de": f"ein Bild in {GERMAN[number % 3]}"} for number in range(12)]
    (folder / "german.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    lines = [{"id": str(number), "text": f"this is a long text on {COLOURS[number % 3]}"} for number in range(12)]
    (folder / "long.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def captioning_block(**changes: Any) -> dict[str, Any]:
    """Returns the `captioning` block, changed."""
    recipe = {"vision": "patches", "language": "own", "context_length": 96, "stages": STAGES}
    return {
        "languages": {
            "own": {
                "recipe": {
                    **{"datasets": ["photos"], "vocabulary": 300, "width": 16, "layers": 1, "heads": 2},
                    **{"context_length": 320, "batch_size": 8, "learning_rate": 0.01, "epochs": 12, "documents": False},
                }
            },
        },
        "recipes": {
            "plain": recipe,
            "asked": recipe
            | {
                **{"system": "you describe", "prompts": ["what is it?", "describe it"], "assembly": "in-place"},
                **{"tiles": 4, "context_length": 320, "stages": STAGES[1:], "lora": {"rank": 2, "alpha": 4.0}},
            },
        },
        "runs": {
            "align": {"recipe": "plain", "connector": {"kind": "align", "factor": 2}},
            "pruned": {"recipe": "asked", "connector": {"kind": "align", "factor": 4, "pruned": 60}},
            "mlp": {"recipe": "plain", "connector": {"kind": "mlp"}, "pairs": [8]},
        },
        **{"pairs": [8, None], "seeds": [3, 5], "validation": "told", "evaluation": ["told", "more"]},
        **{"generation": {"max_new_tokens": 6}, "metrics": ["cider", "bleu", "rouge-l"]},
        **{"shots": [0, 1], "noise": [0.0, 2.0], "noise_images": 5},
    } | changes


def study_values(folder: Path, **changes: Any) -> dict[str, Any]:
    """Returns the study of the data in ``folder``, with a changed `captioning` block."""

    def photos(name: str, **further: Any) -> dict[str, Any]:
        return {"format": "coco", "images": str(folder / name), "captions": str(folder / f"{name}.json")} | further

    nothing = dict.fromkeys(("world", "curate", "download", "ablation", "sweep", "matching", "pretraining"))
    return nothing | {
        **{"study": "captioned", "sources": {}, "mixes": {}, "report": {"samples": 3}, "embed": {}},
        "datasets": {
            "photos": photos(
                "photos",
                translations={"format": "jsonl", "file": str(folder / "german.jsonl"), "languages": ["de"]},
                descriptions={"file": str(folder / "long.jsonl"), "words": [3]},
            ),
            "more": photos("more", parts=2),
            "told": photos("told", split="test"),
        },
        "encoders": {
            "vision": [
                {"name": "patches", "loader": "transformers", "image_size": 64, "recipe": VIT, "pooling": "mean"},
                {"name": "pixels", "loader": "pixels", "image_size": 4, "pooling": "cls"},
            ],
            "text": [{"name": "words", "loader": "bag-of-words", "dims": 8}],
        },
        "pairs": {"datasets": ["photos"], "probe": {"train": "photos", "test": "photos"}},
        "train": {
            **{"datasets": ["photos"], "validation": "photos", "mode": "pooled"},
            **{"projector": {"embed_dim": 8}, "epochs": 1, "batch_size": 2},
        },
        "evaluate": {"retrieval": ["photos"]},
        "captioning": captioning_block(**changes),
    }


def make_layout(folder: Path, values: dict[str, Any]) -> tuple[Layout, dict[str, Any]]:
    """Writes the study file; returns its layout and the options that name it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "params.yaml"
    file.write_text(json.dumps(values))
    layout = Layout(parse_study(values, "test"), folder / "results")
    return layout, {"params": file, "results": layout.results}


def make_study(folder: Path, **changes: Any) -> tuple[Layout, dict[str, Any]]:
    """Writes data and study file, and makes the vision encoder."""
    write_data(folder)
    layout, where = make_layout(folder, study_values(folder, **changes))
    data.encoder("patches", **where)
    return layout, where


@cache
def measured_study(folder: Path) -> tuple[Layout, dict[str, Any]]:
    """Returns layout and options of a study whose language model and three of its runs, with seed 3, are trained and
    measured: ``align`` on 8 pairs and on all, ``mlp`` on 8. It is made once in a process; trainings may be added.
    """
    layout, where = make_study(folder / "captioned")
    language("own", **where)
    for run, pairs in (("align", "8"), ("align", "all"), ("mlp", "8")):
        connect(run, pairs, 3, **where)
        appraise(run, pairs, 3, batch=4, **where)
    return layout, where


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of all files below a folder by their names."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
