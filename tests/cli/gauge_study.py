"""A study with a pre-training of two variants and two seeds on thirty pictures, and pairs that were never trained."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from ligature.encoders.contrastive import ContrastiveConfig, ContrastiveModel
from ligature.encoders.contrastive.folder import save_pair
from ligature.encoders.contrastive.tokenizer import train_tokenizer
from ligature.params import parse_study
from ligature.store import Layout
from ligature.store.atomic import write_csv
from ligature.store.damage import write_sealed

CLASSES = {"r": "red", "g": "green", "b": "blue"}


def picture(generator: np.random.Generator, channel: int, path: Path) -> None:
    """Writes a noisy picture of one colour; its sides differ, so that it must be cropped."""
    pixels = generator.integers(0, 120, (20, 26, 3))
    pixels[..., channel] += 120
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def write_data(folder: Path) -> None:
    """Writes twelve captioned pictures, the last without a caption, and class folders to learn from and to test on."""
    generator = np.random.default_rng(0)
    annotations = []
    for number in range(12):
        picture(generator, number % 3, folder / "photos" / f"{number}.png")
        colour = list(CLASSES.values())[number % 3]
        annotations += [{"image_id": number, "caption": f"{text} {colour} {number}"} for text in ("a", "very")]
    captions = {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(12)],
        "annotations": [{"id": place} | row for place, row in enumerate(annotations[:-2])],
    }
    (folder / "captions.json").write_text(json.dumps(captions))
    (folder / "classes.tsv").write_text("".join(f"{key}\t{name}\n" for key, name in CLASSES.items()))
    for split, count in (("learn", 6), ("told", 4)):
        for channel, key in enumerate(CLASSES):
            for number in range(count):
                picture(generator, channel, folder / split / key / f"{number}.png")


def study_values(folder: Path) -> dict:
    """Returns the study of the data in ``folder``."""
    nothing = dict.fromkeys(("world", "curate", "download", "ablation", "sweep", "matching", "captioning"))
    photos = {"format": "coco", "images": str(folder / "photos"), "captions": str(folder / "captions.json")}
    labelled = {"format": "imagefolders", "classes": str(folder / "classes.tsv")}
    prompts = {"prompts": {"plain": {"templates": ["{}"]}, "de": {"language": "de", "templates": ["ein {}"]}}}
    return nothing | {
        "study": "gauged",
        "sources": {},
        "mixes": {},
        "report": {"tsne_points": 7},
        "datasets": {
            "photos": photos,
            "learn": labelled | {"images": str(folder / "learn"), "split": "train"},
            "told": labelled | prompts | {"images": str(folder / "told"), "templates": ["a {}.", "very {}"]},
        },
        "encoders": {
            "vision": [{"name": "pixels", "loader": "pixels", "image_size": 4, "pooling": "cls"}],
            "text": [{"name": "words", "loader": "bag-of-words", "dims": 8}],
        },
        "embed": {"image_batch": 5, "max_skipped": 0.2},
        "pairs": {"datasets": ["photos"], "probe": {"train": "photos", "test": "photos"}},
        "train": {
            **{"datasets": ["photos"], "validation": "photos", "mode": "pooled"},
            **{"projector": {"embed_dim": 8}, "epochs": 1, "batch_size": 2},
        },
        "evaluate": {"retrieval": ["photos"]},
        "pretraining": {
            **{"datasets": ["photos"], "validation": "photos", "tokenizer": {"vocabulary": 270}},
            "towers": {
                **{"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "heads": 2, "embed_dim": 8},
                "context_length": 16,
            },
            **{"epochs": 2, "batch_size": 4, "seeds": [3, 5]},
            **{"classification": ["told"], "retrieval": ["photos"]},
            "probe": {"train": "learn", "test": "told", "penalties": [0.1, 10.0]},
            "runs": {
                "clip": {},
                "align": {"sharing": "all", "separation": "image", "rescaling": "none", "logit_scale": 100.0},
            },
        },
    }


def make_layout(folder: Path, values: dict) -> tuple[Layout, dict]:
    """Writes the study file; returns its layout and the options that name it."""
    file = folder / "params.yaml"
    file.write_text(json.dumps(values))
    layout = Layout(parse_study(values, "test"), folder / "results")
    return layout, {"params": file, "results": layout.results}


def save_untrained(layout: Layout, run: str, seed: int) -> None:
    """Leaves what a training leaves, of a pair with the weights that it starts from."""
    block = layout.study.pretraining
    tokenizer = train_tokenizer(["a red picture", "very blue", "green"], 270, block.towers.context_length)
    towers = block.towers.model_dump(exclude={"text_width", "text_layers", "text_heads"})
    config = ContrastiveConfig(
        **towers,
        **{f"text_{key}": towers[key] for key in ("width", "layers", "heads")},
        vocabulary_size=tokenizer.vocabulary_size,
        end_token=tokenizer.end_token,
        pad_token=tokenizer.pad_token,
        tokenizer_hash=tokenizer.hash,
        shared=block.points[run].shared,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ContrastiveModel(config).eval()
    folder = layout.pretrained(run, seed)
    save_pair(model, tokenizer, folder / "model")
    write_csv(folder / "history.csv", history(seed))
    facts = {"trainable_parameters": model.count_parameters(), "steps": 6, "flops": 10**9 + seed}
    write_sealed(folder / "training.json", {"facts": facts})


def history(seed: int) -> pd.DataFrame:
    """Returns six steps in three epochs, of which the second and the last were measured."""
    steps = np.arange(1, 7)
    table = pd.DataFrame({"step": steps, "epoch": (steps + 1) // 2, "train_loss": 4.0 - 0.3 * steps + 0.01 * seed})
    table["temperature"] = 0.07 - 0.005 * steps
    measured = np.isin(steps, [4, 6])
    table["validation_alignment_score"] = np.where(measured, 0.1 * steps + 0.001 * seed, np.nan)
    table["validation_mean_recall"] = np.where(measured, 0.05 * steps, np.nan)
    return table
