"""Two studies of the same six pictures that share no name, for the tests of the cache."""

import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image


def study(name: str, vision: str, text: str, dataset: str, folder: Path) -> dict:
    nothing = {"world": None, "curate": None, "download": None, "ablation": None, "sweep": None, "matching": None}
    nothing["pretraining"] = nothing["captioning"] = None
    return nothing | {
        "study": name,
        "sources": {},
        "mixes": {},
        "report": {},
        "datasets": {dataset: {"format": "coco", "images": str(folder), "captions": str(folder / "captions.json")}},
        "encoders": {
            "vision": [{"name": vision, "loader": "pixels", "image_size": 4, "pooling": "cls"}],
            "text": [{"name": text, "loader": "bag-of-words", "dims": 8}],
        },
        "embed": {"shard_rows": 4, "image_batch": 3},
        "pairs": {"datasets": [dataset], "probe": {"train": dataset, "test": dataset}},
        "train": {
            "datasets": [dataset],
            "validation": dataset,
            "mode": "pooled",
            "projector": {"embed_dim": 8},
            "epochs": 1,
            "batch_size": 2,
        },
        "evaluate": {"retrieval": [dataset]},
    }


def write_pictures(folder: Path) -> tuple[Path, Path]:
    """Writes six pictures with captions, and two study files."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    captions = {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(6)],
        "annotations": [{"id": number, "image_id": number, "caption": f"number {number}"} for number in range(6)],
    }
    (folder / "captions.json").write_text(json.dumps(captions))
    values = [
        study("first", "pixels", "words", "photos", folder),
        study("second", "small", "bag", "pictures", folder),
    ]
    paths = folder / "first.yaml", folder / "second.yaml"
    for path, value in zip(paths, values, strict=True):
        path.write_text(yaml.safe_dump(value))
    return paths
