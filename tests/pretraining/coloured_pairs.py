"""Small pictures of one colour, with captions that name it, and a model that can learn them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer, train_tokenizer
from ligature.pretraining import AlignmentSettings, ImageTextPairs, PretrainSettings

COLOURS = {
    "red": (220, 20, 30),
    "green": (30, 190, 40),
    "blue": (30, 50, 220),
    "white": (240, 240, 240),
    "black": (10, 10, 10),
    "yellow": (230, 220, 30),
    "purple": (140, 30, 160),
    "orange": (240, 140, 20),
}
SIDE = 16
TOWER = {"width": 16, "layers": 1, "heads": 2}
SHARED = ("blocks", "norm", "projection")

SETTINGS = PretrainSettings(
    epochs=4, batch_size=12, warmup_steps=2, learning_rate=3e-3, eps=1e-4, checkpoint_every_steps=1
)
"""Adam's denominator is large, so that the bias of the keys, whose gradient is rounding alone, does not walk."""
ALIGNED = replace(SETTINGS, loss=AlignmentSettings(separate=("image", "text")))


def coloured_pairs(folder: Path, count: int = 48, *, draw: int = 0, semantics: bool = True) -> ImageTextPairs:
    """Writes pictures and returns them with two captions each; ``draw`` chooses them."""
    generator = np.random.default_rng(draw)
    folder.mkdir(parents=True, exist_ok=True)
    paths, captions, vectors = [], [], []
    for number in range(count):
        colour = generator.choice(list(COLOURS))
        pixels = generator.integers(-30, 30, (SIDE, SIDE, 3)) + np.array(COLOURS[colour])
        paths.append(str(folder / f"{draw}-{number}.png"))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1])
        captions += [f"a {colour} picture", f"{colour} and nothing else"]
        vectors += [np.array([name == colour for name in COLOURS], np.float16) + 0.1] * 2
    return ImageTextPairs(
        paths=paths,
        image_ids=[f"image-{number}" for number in range(count)],
        captions=captions,
        image_of_text=np.repeat(np.arange(count), 2),
        semantics=np.stack(vectors) if semantics else None,
        content_hash=f"coloured {draw}",
    )


def make_tokenizer(pairs: ImageTextPairs, context_length: int = 24) -> CaptionTokenizer:
    """Returns a tokenizer trained on the captions."""
    return train_tokenizer(pairs.captions, 300, context_length)


def make_config(tokenizer: CaptionTokenizer, **changes) -> ContrastiveConfig:
    """Returns the config of two small towers for a tokenizer."""
    values = {
        "image_size": SIDE,
        "patch_size": 8,
        "embed_dim": 12,
        "context_length": tokenizer.context_length,
        "vocabulary_size": tokenizer.vocabulary_size,
        "end_token": tokenizer.end_token,
        "pad_token": tokenizer.pad_token,
        "tokenizer_hash": tokenizer.hash,
    }
    values |= {f"{prefix}{key}": size for prefix in ("", "text_") for key, size in TOWER.items()}
    return ContrastiveConfig(**(values | changes))
