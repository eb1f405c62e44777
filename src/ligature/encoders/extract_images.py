"""Extraction of images: a data set part through a frozen vision encoder into a store."""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ligature.data import Dataset
from ligature.encoders.flops import count_flops
from ligature.encoders.images import Decoded, decoded_batches
from ligature.encoders.vision import VisionEncoder, VisionFeatures
from ligature.errors import DataError, EncoderError
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
        view: ``pooled``, ``regions``, ``tokens`` or ``tokens-int8``.
        params: batch and shard sizes, the grid of regions, and the largest share of skipped images.
        workers: decoding processes.

    Raises:
        DataError: when more than ``params.max_skipped`` of the images cannot be used.
        EncoderError: when the encoder has no such view.
    """
    source = image_source(dataset, part)
    identity = encoder.identity | ({"regions": params.regions} if view == "regions" else {})
    writer = StoreWriter(folder, "image", view, identity, source, source["ids_hash"], params.shard_rows)
    remaining = writer.remaining(dataset.images)
    shards = _ImageShards(encoder, view, params.regions, remaining)
    what = f"embed {encoder.name}/{dataset.name}"
    batches = decoded_batches(
        remaining["path"].to_list(),
        encoder.preprocess,
        batch_size=params.image_batch,
        workers=workers,
        shard_rows=params.shard_rows,
    )
    total = len(dataset.images)
    with Progress(what, total, "images", done=total - len(remaining)) as progress:
        for rows in writer.pending(dataset.images):
            of_shard = islice(batches, ceil(len(rows) / params.image_batch))
            vectors, metadata, skipped, flops = shards.encode(of_shard, progress)
            check_skipped(writer.skipped + skipped, dataset, params.max_skipped)
            writer.append(vectors, metadata, source_rows=len(rows), skipped=skipped, flops=flops)
    say_skipped(what, writer.skipped)
    return writer.finish()


def image_source(dataset: Dataset, part: str) -> dict[str, str]:
    """Returns what the manifest of an image store says of its source before anything is embedded."""
    ids = hash_strings(dataset.images["id"])
    return {"dataset": dataset.name, "split": dataset.split, "part": part, "ids_hash": ids}


def say_skipped(what: str, skipped: list[dict[str, str]]) -> None:
    """Says how many images were left out, and why the first of them."""
    if skipped:
        first = skipped[0]
        say(f"{what}: {len(skipped)} images skipped, the first {first['id']!r} ({first['reason']})")


class _ImageShards:
    """Encodes one shard after another; the first batch of each tells how many operations an image takes."""

    def __init__(self, encoder: VisionEncoder, view: str, regions: int, images: pd.DataFrame) -> None:
        self.encoder, self.view, self.regions, self.images = encoder, view, regions, images

    def encode(
        self, batches: Iterable[tuple[list[Decoded], Tensor | None]], progress: Progress
    ) -> tuple[np.ndarray, pd.DataFrame, list[dict[str, str]], int]:
        """Returns the vectors, metadata, skipped items and floating point operations of a shard."""
        vectors, used, counts, skipped, flops_an_image = [], [], [], [], 0
        for facts, pixels in batches:
            skipped += [
                {"id": self.images["id"].iloc[fact.row], "reason": fact.reason} for fact in facts if fact.reason
            ]
            progress.update(len(facts))
            if pixels is None:
                continue
            if vectors:
                output = self._forward(pixels)
            else:
                output, flops = count_flops(partial(self._forward, pixels))
                flops_an_image = flops // len(pixels)
            used += [fact for fact in facts if not fact.reason]
            counts += [output.shape[1]] * len(pixels)
            vectors.append(output.flatten(0, 1).cpu().numpy().astype(np.float32))
        metadata = self.images.iloc[[fact.row for fact in used]].drop(columns="path")
        metadata = metadata.assign(sha256=[fact.sha256 for fact in used])
        if self.view != "pooled":
            metadata = metadata.assign(tokens=counts)
        array = np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)
        return array, metadata, skipped, flops_an_image * len(used)

    def _forward(self, pixels: Tensor) -> Tensor:
        """Returns [b, t, d], t vectors an image."""
        with torch.inference_mode():
            features = self.encoder.forward(pixels)
            try:
                return self._viewed(features)
            except EncoderError as error:
                raise EncoderError(f"encoder {self.encoder.name!r}: {error}") from None

    def _viewed(self, features: VisionFeatures) -> Tensor:
        if self.view == "pooled":
            return features.pooled(self.encoder.pooling)[:, None]
        return features.regions(self.regions) if self.view == "regions" else features.tokens()


def check_skipped(skipped: list[dict[str, str]], dataset: Dataset, limit: float) -> None:
    """Stops above ``limit``, a share of all images; one image may always fail, unless ``limit`` is zero.

    Raises:
        DataError: naming the data set and the first of them.
    """
    total = len(dataset.images)
    if len(skipped) > (max(1.0, limit * total) if limit else 0):
        first = skipped[0]
        raise DataError(
            f"data set {dataset.name!r}: {len(skipped)} of {total} images cannot be used, the first is "
            f"{first['id']!r} ({first['reason']}); check the image folder or raise embed.max_skipped"
        )
