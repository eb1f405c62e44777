"""A tiny whole vision-language model with random weights; nothing is downloaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tiny_models import picture
from tiny_towers import tiny_language, tiny_vision_params

from ligature.captioning.chat import Shape, views_of
from ligature.captioning.config import ChatSettings, VisionLanguageConfig
from ligature.captioning.connectors import ConnectorConfig, make_connector
from ligature.captioning.language import LoraSettings, add_lora, embedding_table, head_weights, load_language
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.vision import load_tower

LORA = LoraSettings(rank=4, alpha=4.0, targets=("q_proj", "v_proj"))


def tiny_vlm(
    folder: Path,
    *,
    kind: str = "align",
    lora: LoraSettings | None = None,
    connector: dict[str, Any] | None = None,
    language: dict[str, Any] | None = None,
    seed: int = 0,
    **chat: Any,
) -> VisionLanguageModel:
    """Returns a model of about 60 thousand parameters in evaluation mode; its encoders' files are in ``folder``.

    A view of an image is 32 x 32 pixels, or 16 vision tokens of width 32; the language model has width 32, two layers
    and 512 positions. Weights are large enough for captions of different images to differ.

    Args:
        folder: where encoder and language model are saved first.
        kind: of the connector.
        lora: adapters on the language model.
        connector: other settings of the connector.
        language: arguments of ``tiny_language``, such as ``chat=True`` or ``tied=False``.
        seed: of all weights.
        chat: of ``ChatSettings``; the context has 128 tokens where it is not given.
    """
    tower = load_tower(tiny_vision_params(folder / "vision"), None)
    loaded = load_language(str(tiny_language(folder / "language", **language or {})))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with torch.no_grad():
            for parameter in loaded.model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(std=0.3)
        table, head = embedding_table(loaded.model), head_weights(loaded.model)
        factor = {"factor": 2} if kind == "pixel-shuffle" else {}
        sizes = tower.width, table.shape[1], table.shape[0], tower.tokens, tower.grid
        settings = ConnectorConfig(kind, *sizes, **{**factor, **(connector or {})})
        kept = None if settings.pruned is None else torch.arange(settings.pruned)
        connected = make_connector(settings, embeddings=table, head=head, kept=kept)
        model = add_lora(loaded.model, lora) if lora else loaded.model
    config = VisionLanguageConfig(settings, ChatSettings(**{"context_length": 128, **chat}))
    return VisionLanguageModel(config, tower, connected, model, loaded.tokenizer).eval()


def tiny_features(model: VisionLanguageModel, shapes: Sequence[Shape], seed: int = 0) -> list[torch.Tensor]:
    """Returns random vision tokens [v, T, d] of an image for every shape."""
    generator = torch.Generator().manual_seed(seed)
    size = model.vision.tokens, model.vision.width
    return [torch.randn(views_of(shape), *size, generator=generator) for shape in shapes]


__all__ = ["LORA", "picture", "tiny_features", "tiny_vlm"]
