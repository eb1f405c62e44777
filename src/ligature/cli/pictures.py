"""What the page shows in pictures: sample retrievals, and a map of both modalities before and after alignment."""

import numpy as np
import pandas as pd

from ligature.cli.features import Captioned
from ligature.data import open_dataset
from ligature.evaluation import embed_2d, top_k_matches
from ligature.projection import ImageFeatures, RaggedTokens
from ligature.projection.features import Features
from ligature.store import Layout

HITS = 5


def sample_retrievals(
    layout: Layout, dataset: str, data: Captioned, images: np.ndarray, texts: np.ndarray
) -> list[dict]:
    """Returns a few queries in both directions with their best hits, chosen by seed and not by success."""
    settings = layout.study.report
    path_of_id = dict(open_dataset(layout, dataset).images[["id", "path"]].itertuples(index=False))
    pictures = [{"image": path_of_id[identity]} for identity in data.image_ids]
    captions = [{"text": caption} for caption in data.captions]
    generator = np.random.default_rng(settings.seed)
    asked_images = generator.permutation(np.unique(data.image_of_text))[: settings.samples]
    asked_texts = generator.permutation(len(texts))[: settings.samples]
    samples = []
    for query, hits in zip(asked_images, _hits(images[asked_images], texts), strict=True):
        found = [captions[hit] | {"score": score, "correct": data.image_of_text[hit] == query} for hit, score in hits]
        samples.append({"dataset": dataset, "direction": "i2t", "query": pictures[query], "hits": found})
    for query, hits in zip(asked_texts, _hits(texts[asked_texts], images), strict=True):
        found = [pictures[hit] | {"score": score, "correct": data.image_of_text[query] == hit} for hit, score in hits]
        samples.append({"dataset": dataset, "direction": "t2i", "query": captions[query], "hits": found})
    for hit in (hit for sample in samples for hit in sample["hits"]):
        hit["correct"] = bool(hit["correct"])
    return samples


def _hits(queries: np.ndarray, candidates: np.ndarray) -> list[list[tuple[int, float]]]:
    if not len(queries):
        return []
    scores, rows = top_k_matches(queries, candidates, min(HITS, len(candidates)))
    return [
        list(zip(row, [round(score, 4) for score in row_scores], strict=True))
        for row, row_scores in zip(rows.tolist(), scores.tolist(), strict=True)
    ]


def map_of_modalities(layout: Layout, data: Captioned, images: np.ndarray, texts: np.ndarray) -> pd.DataFrame:
    """Returns t-SNE of images and of their first captions, before alignment (raw features) and after it."""
    settings = layout.study.report
    owners, first_text = np.unique(data.image_of_text, return_index=True)
    generator = np.random.default_rng(settings.seed)
    chosen = np.sort(generator.choice(len(owners), min(settings.tsne_points, len(owners)), replace=False))
    rows, text_rows = owners[chosen], first_text[chosen]
    before = pooled_vectors(data.images), _one_vector(data.texts)
    parts = []
    for stage, (image_side, text_side) in {"before": before, "after": (images, texts)}.items():
        points = embed_2d(image_side[rows], text_side[text_rows], seed=settings.seed)
        for modality, xy in zip(("image", "text"), points, strict=True):
            parts.append(
                pd.DataFrame({"stage": stage, "modality": modality, "pair": rows, "x": xy[:, 0], "y": xy[:, 1]})
            )
    return pd.concat(parts).round(4)


def pooled_vectors(images: ImageFeatures) -> np.ndarray:
    """Returns one raw vector an image: CLS and local features side by side, tokens as their mean."""
    parts = [part for part in (images.cls, images.local) if part is not None]
    return np.concatenate([_one_vector(part) for part in parts], axis=1)


def _one_vector(features: Features) -> np.ndarray:
    return features.means() if isinstance(features, RaggedTokens) else features
