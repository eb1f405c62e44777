"""A study with small stores of invented embeddings, in which the two sides share a hidden description of the images."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from ligature.cli.matching import tables, verbs
from ligature.params import parse_study
from ligature.store import Layout, StoreWriter
from ligature.store.hashing import hash_strings

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"
WIDTHS = {"pixels": 12, "vit-untrained": 10, "bag-of-words": 12, "bert-untrained": 9}
VISION = ("pixels", "vit-untrained")
HIDDEN = 6
CLASSES = 12
IMAGES = {"anchors": 60, "queries": 40, "classes": 30}
TRANSLATED = 34


@dataclass
class InventedStudy:
    """Stores under ``results`` and what was written into them.

    Attributes:
        folder: of the study's files.
        features: [n, d] by encoder and data set, in 16 bits as they are stored; of texts one row a caption.
        texts: table of texts by data set.
    """

    folder: Path
    features: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    texts: dict[str, pd.DataFrame] = field(default_factory=dict)

    def values(self, **experiments: dict) -> dict:
        """The tiny study with these experiments."""
        values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
        captions = {name: str(self.folder / f"{name}.json") for name in IMAGES}
        queries = {"translations": {"format": "jsonl", "file": str(self.folder / "de.jsonl"), "languages": ["de"]}}
        values["datasets"] |= {
            "anchors": {"format": "coco", "images": "images", "captions": captions["anchors"]} | queries,
            "queries": {"format": "coco", "split": "test", "images": "images", "captions": captions["queries"]}
            | queries,
            "classes": {"format": "imagefolders", "images": "images", "classes": "classes.tsv"},
        }
        return values | {"matching": {"experiments": experiments, "samples": 3} if experiments else None}

    def where(self, values: dict) -> dict[str, Path]:
        """Writes a study file and returns the arguments of a verb."""
        file = self.folder / "params.yaml"
        file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        return {"params": file, "results": self.folder / "results"}

    def layout(self, **experiments: dict) -> Layout:
        return Layout(parse_study(self.values(**experiments), "test"), self.folder / "results")

    def run(self, name: str, **experiment) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Runs one experiment and returns its rows and their means."""
        values = self.values(**{name: experiment})
        verbs.match_experiment(name, **self.where(values))
        folder = self.folder / "results" / "tiny" / "matching" / name
        return tuple(tables.read_table(folder / file, "") for file in ("seedwise.csv", "results.csv"))


def invent_study(folder: Path) -> InventedStudy:
    """Writes annotation files and the stores of all encoders."""
    study = InventedStudy(folder)
    generator = np.random.default_rng(0)
    hidden = {name: generator.normal(size=(count, HIDDEN)) for name, count in IMAGES.items()}
    names = generator.normal(size=(CLASSES, HIDDEN))
    hidden["classes"] = names[class_labels()] + 0.3 * hidden["classes"]
    for name in ("anchors", "queries"):
        study.texts[name] = _captions(study, name)
    study.texts["classes"] = _prompts()
    _write_translations(study)
    layout = study.layout()
    for encoder, width in WIDTHS.items():
        weights = generator.normal(size=(HIDDEN, width))
        for dataset, of_image in hidden.items():
            table, rows = _rows(study, encoder, dataset)
            clean = (names if dataset == "classes" and encoder not in VISION else of_image)[rows]
            vectors = np.tanh(clean @ weights / 2) + 0.2 + 0.3 * generator.normal(size=(len(rows), width))
            study.features[encoder, dataset] = vectors.astype(np.float16)
            write_store(layout, encoder, dataset, table, vectors)
    return study


def class_labels() -> np.ndarray:
    return np.arange(IMAGES["classes"]) % CLASSES


def image_ids(dataset: str) -> list[str]:
    return [str(1000 * (1 + list(IMAGES).index(dataset)) + number) for number in range(IMAGES[dataset])]


def image_table(dataset: str) -> pd.DataFrame:
    """Returns the metadata of an image store."""
    ids = image_ids(dataset)
    labels = {"label": class_labels()} if dataset == "classes" else {}
    return pd.DataFrame({"id": ids, "sha256": [hash_strings([name]) for name in ids]}).assign(**labels)


def write_store(
    layout: Layout, encoder: str, dataset: str, table: pd.DataFrame, vectors: np.ndarray, revision: str = "1"
) -> None:
    modality = "image" if encoder in VISION else "text"
    folder = layout.embeddings("pooled", encoder, dataset, 0)
    identity = {"name": encoder, "pooling": "cls", "revision": revision}
    items = hash_strings(image_ids(dataset))
    writer = StoreWriter(folder, modality, "pooled", identity, {"dataset": dataset}, items, 256)
    for rows in writer.pending(table):
        writer.append(vectors[rows.index], rows, source_rows=len(rows))
    writer.finish()


def _rows(study: InventedStudy, encoder: str, dataset: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Returns the metadata of a store and the image (or class) of each of its rows."""
    ids = image_ids(dataset)
    if encoder in VISION:
        return image_table(dataset), np.arange(len(ids))
    texts = study.texts[dataset]
    owners = texts["label"] if dataset == "classes" else texts["image_id"].map(ids.index)
    return texts, owners.to_numpy()


def _captions(study: InventedStudy, dataset: str) -> pd.DataFrame:
    """Two captions an image and a German one of the first images; the last image of the anchors has none."""
    ids = image_ids(dataset)
    rows = [(f"{name}#{number}", name, f"caption {number} of {name}", "") for name in ids for number in range(2)]
    rows = rows[:-2] if dataset == "anchors" else rows
    captions = [{"id": place, "image_id": row[1], "caption": row[2]} for place, row in enumerate(rows)]
    values = {"images": [{"id": name, "file_name": f"{name}.jpg"} for name in ids], "annotations": captions}
    (study.folder / f"{dataset}.json").write_text(json.dumps(values), encoding="utf-8")
    rows += [(f"{name}#de", name, f"Bild {name}", "de") for name in ids[:TRANSLATED]]
    return pd.DataFrame(rows, columns=["id", "image_id", "text", "variant"])


def _write_translations(study: InventedStudy) -> None:
    lines = [
        json.dumps({"id": row.image_id, "de": row.text})
        for name in ("anchors", "queries")
        for row in study.texts[name].itertuples()
        if row.variant == "de"
    ]
    (study.folder / "de.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _prompts() -> pd.DataFrame:
    rows = [
        (f"{label}#{variant}#{number}", label, f"prompt {number} of {label}", variant)
        for variant in ("", "de")
        for label in range(CLASSES)
        for number in range(2)
    ]
    return pd.DataFrame(rows, columns=["id", "label", "text", "variant"])
