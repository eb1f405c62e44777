"""Embeddings from the cache of another study against embedding again, and what verifying costs a reader."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from PIL import Image

from harness import Row, best_of
from ligature.data import Dataset
from ligature.encoders import extract_images, load_vision_encoder
from ligature.encoders.cached import embed_cached, wanted_store
from ligature.params.encoders import EmbedParams, VisionEncoderParams
from ligature.store import EmbeddingStore, Layout, Manifest, StoreWriter, integrity
from ligature.store.cache import EmbeddingCache
from ligature.store.cache_entry import Use
from ligature.store.hashing import hash_strings

LAYOUT = Layout(SimpleNamespace(study="benchmark"))
PARAMS = EmbedParams()


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return [_from_cache(Path(folder), count=600), _verified(Path(folder), rows=256 * 1024)]
    finally:
        torch.set_num_threads(threads)


def _from_cache(folder: Path, count: int) -> Row:
    """Both sides begin with files of images and end with a store; the encoder is loaded where it is needed."""
    entry, dataset = _encoder(folder / "vit"), _images(folder / "images", count)
    cache, use = EmbeddingCache(folder / "cache"), Use.by("benchmark", folder / "fast")

    def embed(place: Path) -> Callable[[], Manifest]:
        return lambda: extract_images(load_vision_encoder(entry, LAYOUT), dataset, place, params=PARAMS)

    def from_cache() -> Manifest:
        wanted = wanted_store(entry, LAYOUT, dataset, part="0/1", view="pooled", params=PARAMS)
        return embed_cached(cache, wanted, folder / "fast", use, embed(folder / "fast"))

    from_cache()
    plain_seconds, expected = best_of(embed(folder / "plain"), repeats=2)
    fast_seconds, found = best_of(from_cache)
    stores = [EmbeddingStore.open(folder / name).vectors() for name in ("plain", "fast")]
    note = (
        f"{count:,} JPEG files of 64 px, ViT with patches of 8 px, width 128, 4 layers, random weights; plain: load "
        "the model, encode, write; fast: hash images and weights, link the store, verify; one thread, manifests "
        + ("equal" if expected == found else "DIFFER")
    )
    difference = float(np.abs(stores[0].astype(np.float32) - stores[1].astype(np.float32)).max())
    return Row("embedding found in the cache", plain_seconds, fast_seconds, 10.0, difference, note)


def _verified(folder: Path, rows: int, dims: int = 1024) -> Row:
    """A store read whole, without and with its hashes checked; the target is the share of the rate that is kept."""
    ids = [str(row) for row in range(rows)]
    table = pd.DataFrame({"id": ids, "sha256": ids})
    writer = StoreWriter(folder / "large", "image", "pooled", {"name": "noise"}, {}, hash_strings(ids), 1 << 16)
    noise = np.random.default_rng(0).normal(size=(1 << 16, dims)).astype(np.float16)
    for part in writer.pending(table):
        writer.append(noise[: len(part)], part, source_rows=len(part))
    manifest = writer.finish()

    def read(first: bool) -> np.ndarray:
        if first:
            integrity._known.clear()
        return EmbeddingStore.open(folder / "large").vectors()

    read(True)
    plain_seconds, _ = best_of(lambda: read(False))
    fast_seconds, _ = best_of(lambda: read(True))
    gigabytes = manifest.nbytes / 1e9
    note = (
        f"{gigabytes:.2f} GB in 4 shards, in memory; plain: a process that has verified them already; fast: the first "
        f"read of a process; verifying costs {(fast_seconds - plain_seconds) / gigabytes:.2f} s/GB, once"
    )
    return Row("first read of a store, verified", plain_seconds, fast_seconds, 0.1, None, note)


def _encoder(folder: Path) -> VisionEncoderParams:
    from transformers import Dinov2Config, Dinov2Model, ViTImageProcessorPil

    torch.manual_seed(0)
    shape = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": 64, "patch_size": 8}
    Dinov2Model(Dinov2Config(**shape)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return VisionEncoderParams(name="vit", loader="transformers", source=str(folder))


def _images(folder: Path, count: int) -> Dataset:
    folder.mkdir()
    generator = np.random.default_rng(0)
    ids = [str(row) for row in range(count)]
    for row in ids:
        coarse = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{row}.jpg", quality=90)
    images = pd.DataFrame({"id": ids, "path": [str(folder / f"{row}.jpg") for row in ids]})
    return Dataset("photos", "benchmark", images, pd.DataFrame(columns=["id", "image_id", "text"]))
