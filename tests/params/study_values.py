"""A small study as plain values, and changes to it."""

import copy
from pathlib import Path
from typing import Any

import yaml

REMOVED = object()

STUDY = {
    "study": "small",
    "world": None,
    "datasets": {
        "captions": {"format": "coco", "images": "images", "captions": "captions.json"},
        "sentences": {"format": "flickr", "images": "images", "captions": "captions.csv"},
        "labels": {"format": "imagefolders", "images": "folders", "classes": "classes.tsv"},
    },
    "encoders": {
        "vision": [
            {"name": "pixels", "loader": "pixels", "image_size": 8, "pooling": "cls"},
            {
                "name": "vit",
                "loader": "transformers",
                "recipe": {"architecture": "vit", "objective": "supervised", "dataset": "labels", "epochs": 2},
            },
        ],
        "text": [
            {"name": "words", "loader": "bag-of-words", "dims": 32},
            {"name": "bert", "loader": "transformers", "recipe": {"dataset": "captions"}, "pooling": "mean"},
        ],
    },
    "embed": {"shard_rows": 64},
    "pairs": {"datasets": ["captions"], "probe": {"train": "captions", "test": "sentences"}},
    "train": {
        "datasets": ["captions"],
        "validation": "sentences",
        "mode": "pooled",
        "projector": {"embed_dim": 16},
        "epochs": 1,
        "batch_size": 4,
    },
    "evaluate": {"classification": ["labels"], "retrieval": ["sentences"]},
    "sources": {},
    "curate": None,
    "download": None,
    "mixes": {},
    "ablation": None,
    "sweep": None,
    "matching": None,
    "pretraining": None,
    "captioning": None,
    "report": {"title": "A small study"},
}

CURATION = {
    "sources": {
        "web": {"format": "laion", "files": "web-{part}.parquet", "parts": 2},
        "clean": {"format": "cc3m", "files": "clean.tsv"},
    },
    "curate": {
        "pool": ["web"],
        "captioned": ["clean"],
        "filters": {},
        "duplicates": {},
        "decontaminate": {"datasets": ["sentences"]},
        "prototypes": {"dataset": "labels", "shots": 4},
        "k": 20,
        "quota": 5,
    },
    "download": {},
    "mixes": {"both": {"sets": ["collected", "clean"]}},
    "ablation": {"seeds": [0], "steps": 5, "classification": ["labels"], "retrieval": ["sentences"]},
}


def curated(**changes: Any) -> dict:
    """Returns the study with the blocks of curation, changed as by ``changed``."""
    return changed(base={**STUDY, **CURATION}, **changes)


def changed(base: dict = STUDY, **changes: Any) -> dict:
    """Returns the study with values set or ``REMOVED``; two underscores stand between the keys of a path."""
    values = copy.deepcopy(base)
    for place, value in changes.items():
        *parents, last = (int(key) if key.isdigit() else key for key in place.split("__"))
        block = values
        for key in parents:
            block = block[key]
        if value is REMOVED:
            del block[last]
        else:
            block[last] = value
    return values


def write_study(folder: Path, values: Any) -> Path:
    """Writes a study file."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
