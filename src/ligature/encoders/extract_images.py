"""Extraction of images: a data set part through a frozen vision encoder into a store."""

from collections.abc import Iterable
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ligature.data import Dataset
from ligature.encoders.images import Decoded, decoded_batches
from ligature.encoders.vision import VisionEncoder
from ligature.errors import DataError
from ligature.params.encoders import EmbedParams
from ligature.progress import Progress, say
from ligature.store import Manifest, StoreWriter
from ligature.store.hashing import hash_strings


def extract_images(
    encoder: VisionEncoder,
    dataset: Dataset,
    folder: Path,
    *,
    part: str = "0/1",
    view: str = "pooled",
    params: EmbedParams,
    workers: int = 0,
) -> Manifest:
    """Embeds the images of a data set part.

    A missing or broken image is skipped, counted and listed in the manifest; too many stop the run.

    Args:
        encoder: the vision encoder.
        dataset: the part.
        folder: of the store; an interrupted extraction in it is resumed.
        part: index and number of parts, for the manifest.
        view: ``pooled`` or ``tokens``.
        params: batch and shard sizes, and the largest share of skipped images.
        workers: decoding processes.

    Raises:
        DataError: when more than ``params.max_skipped`` of the images cannot be used.
    """
    ids = hash_strings(dataset.images["id"])
    source = {"dataset": dataset.name, "split": dataset.split, "part": part, "ids_hash": ids}
    writer = StoreWriter(folder, "image", view, encoder.identity, source, ids, params.shard_rows)
    what = f"embed {encoder.name}/{dataset.name}"
    batches = decoded_batches(
        dataset.images["path"].to_list(),
        encoder.preprocess,
        batch_size=params.image_batch,
        workers=workers,
        first_row=writer.source_rows,
        shard_rows=params.shard_rows,
    )
    with Progress(what, len(dataset.images), "images", done=writer.source_rows) as progress:
        for rows in writer.pending(dataset.images):
            of_shard = islice(batches, ceil(len(rows) / params.image_batch))
            vectors, metadata, skipped = _image_shard(encoder, dataset.images, of_shard, view, progress)
            _check_skipped(writer.skipped + skipped, dataset, params.max_skipped)
            writer.append(vectors, metadata, source_rows=len(rows), skipped=skipped)
    if writer.skipped:
        first = writer.skipped[0]
        say(f"{what}: {len(writer.skipped)} images skipped, the first {first['id']!r} ({first['reason']})")
    return writer.finish()


def _image_shard(
    encoder: VisionEncoder,
    images: pd.DataFrame,
    batches: Iterable[tuple[list[Decoded], Tensor | None]],
    view: str,
    progress: Progress,
) -> tuple[np.ndarray, pd.DataFrame, list[dict[str, str]]]:
    vectors, kept, hashes, counts, skipped = [], [], [], [], []
    for facts, pixels in batches:
        skipped += [{"id": images["id"].iloc[fact.row], "reason": fact.reason} for fact in facts if fact.reason]
        progress.update(len(facts))
        if pixels is None:
            continue
        used = [fact for fact in facts if not fact.reason]
        kept += [fact.row for fact in used]
        hashes += [fact.sha256 for fact in used]
        with torch.inference_mode():
            features = encoder.forward(pixels)
            output = features.pooled(encoder.pooling) if view == "pooled" else features.tokens()
        counts += [output.shape[1] if view == "tokens" else 1] * len(used)
        vectors.append(output.flatten(0, -2).cpu().numpy().astype(np.float32))
    metadata = images.iloc[kept].drop(columns="path").assign(sha256=hashes)
    if view == "tokens":
        metadata = metadata.assign(tokens=counts)
    array = np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)
    return array, metadata, skipped


def _check_skipped(skipped: list[dict[str, str]], dataset: Dataset, limit: float) -> None:
    """Stops above ``limit``, a share of all images; one image may always fail, unless ``limit`` is zero."""
    total = len(dataset.images)
    if len(skipped) > (max(1.0, limit * total) if limit else 0):
        first = skipped[0]
        raise DataError(
            f"data set {dataset.name!r}: {len(skipped)} of {total} images cannot be used, the first is "
            f"{first['id']!r} ({first['reason']}); check the image folder or raise embed.max_skipped"
        )
