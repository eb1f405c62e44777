"""Studies of two tiny random encoders and a random projector, as training and evaluation would leave them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from tiny_models import ARCHITECTURES, WIDTH, picture, save_text_model

from ligature.cli.features import image_features, open_store, text_features
from ligature.data import open_dataset
from ligature.encoders import extract_images, extract_texts, find_encoder, load_text_encoder, load_vision_encoder
from ligature.evaluation import Result, results_table
from ligature.params import parse_study
from ligature.projection import (
    Projector,
    ProjectorConfig,
    load_projector,
    project_images,
    project_texts,
    save_projector,
)
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json

CAPTIONS = ["a red circle", "the big blue square on the left", "small circles", "photo of a square", "red", "a a a"]
BRANCHES = {
    "cls": {"vision_local": "none"},
    "mean": {"vision_cls": "none"},
    "cls+mean": {},
}


def write_captioned(folder: Path) -> None:
    """Writes six pictures with one caption each in the layout of COCO."""
    folder.mkdir()
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(len(CAPTIONS))]
    for image in images:
        picture(image["id"], (40 + image["id"], 30)).save(folder / image["file_name"])
    captions = [{"id": number, "image_id": number, "caption": text} for number, text in enumerate(CAPTIONS)]
    content = {"images": images, "annotations": captions}
    (folder / "captions.json").write_text(json.dumps(content), encoding="utf-8")


def study_values(folder: Path, mode: str, pooling: str, **encoders: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a study of one captioned data set and one pair of encoders."""
    files = {"images": str(folder / "photos"), "captions": str(folder / "photos" / "captions.json")}
    vision = {"name": "vit", "loader": "transformers", "source": str(folder / "vit"), "pooling": pooling}
    text = {"name": "bert", "loader": "transformers", "source": str(folder / "bert"), "pooling": "mean"}
    text |= {"prompt": "photo of ", "max_length": 9}
    probe = {"train": "photos", "test": "photos"}
    train = {"datasets": ["photos"], "validation": "photos", "mode": mode, "projector": {"embed_dim": 16}}
    absent = dict.fromkeys(
        ("world", "curate", "download", "ablation", "sweep", "matching", "pretraining", "captioning")
    )
    return absent | {
        "study": "tiny",
        "datasets": {"photos": {"format": "coco", "split": "train", **files}},
        "encoders": {"vision": [encoders.get("vision", vision)], "text": [encoders.get("text", text)]},
        "embed": {},
        "pairs": {"datasets": ["photos"], "probe": probe | {"embed_dim": 16}},
        "train": train | {"epochs": 12, "batch_size": 6, "learning_rate": 0.003},
        "evaluate": {"retrieval": ["photos"]},
        "sources": {},
        "mixes": {},
        "report": {},
    }


def make_study(
    folder: Path,
    mode: str = "pooled",
    pooling: str = "cls+mean",
    *,
    widths: tuple[int, int] = (WIDTH, WIDTH),
    **encoders,
) -> Layout:
    """Writes encoders, data, projector, chosen pair and results of a study, and returns its layout."""
    ARCHITECTURES["vit"].saved(folder / "vit")
    save_text_model(folder / "bert")
    write_captioned(folder / "photos")
    values = study_values(folder, mode, pooling, **encoders)
    (folder / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    vision, text = (entries[0].name for entries in (layout.study.encoders.vision, layout.study.encoders.text))
    torch.manual_seed(0)
    branches = BRANCHES[pooling] if mode == "pooled" else {}
    projector = Projector(ProjectorConfig(vision_dim=widths[0], text_dim=widths[1], embed_dim=16, **branches))
    identities = {
        "vision": load_vision_encoder(find_encoder(layout, vision), layout).identity,
        "text": load_text_encoder(find_encoder(layout, text), layout).identity,
    }
    facts = {"trainable_parameters": projector.count_parameters(), "samples_seen": 720, "settings": {"epochs": 1}}
    provenance = {"encoders": identities, "train": layout.study.train.model_dump()}
    save_projector(projector, layout.train, facts=facts, provenance=provenance)
    write_json(layout.pairs / "chosen.json", {"vision": vision, "text": text})
    write_csv(layout.evaluation / "results.csv", results_table(measured(f"{vision} + {text}")))
    return layout


def measured(model: str) -> list[Result]:
    """Returns rows of results as an evaluation writes them."""
    common = ("retrieval", "photos", "train")
    return [
        Result(*common, model, "cosine", "i2t_recall@1", 0.5, 6, 0),
        Result(*common, model, "cosine", "i2t_median_rank", 1.5, 6, 0),
        Result(*common, "chance", "cosine", "i2t_recall@1", 1 / 6, 6, 0),
        Result(*common, model, "cosine", "i2t_recall@1", 0.25, 6, 0, "16w"),
    ]


def stored_vectors(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a study's own evaluation sees: stored embeddings through the projector."""
    dataset, mode = open_dataset(layout, "photos"), layout.study.train.mode
    params = layout.study.embed
    vision = load_vision_encoder(find_encoder(layout, "vit"), layout)
    text = load_text_encoder(find_encoder(layout, "bert"), layout)
    for encoder, extract in ((vision, extract_images), (text, extract_texts)):
        view = layout.view(mode, encoder.name)
        extract(encoder, dataset, layout.embeddings(view, encoder.name, "photos", 0), view=view, params=params)
    projector = load_projector(layout.train)
    texts = text_features(open_store(layout, "bert", "photos", mode), np.arange(len(dataset.texts)))
    images = image_features(open_store(layout, "vit", "photos", mode))
    return project_images(projector, images), project_texts(projector, texts)
