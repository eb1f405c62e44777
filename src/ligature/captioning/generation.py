"""Captions from visual tokens: greedy, beam search or draws, by the generation of transformers and its cache."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor

from ligature.captioning.chat import Rendered, Shape
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.packing import pack
from ligature.errors import ParamsError

if TYPE_CHECKING:
    from transformers import GenerationConfig

Method = Literal["greedy", "beam", "sample"]

Example = tuple[Tensor, Shape, str]
"""Vision tokens [v, T, d] of an image that is shown before, the shape of its tiles, and its caption."""


@dataclass(frozen=True)
class GenerationSettings:
    """How captions are made.

    Attributes:
        method: ``greedy`` takes the likeliest token, ``beam`` the likeliest of several texts, ``sample`` draws.
        beams: texts that a beam search follows.
        temperature: of draws.
        top_p: draws are from the likeliest tokens that have this probability together.
        max_new_tokens: longest caption in tokens.
        seed: of draws.

    Raises:
        ParamsError: for an unknown method, and for numbers out of range.
    """

    method: Method = "greedy"
    beams: int = 4
    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks every value."""
        if self.method not in get_args(Method):
            raise ParamsError(f"method {self.method!r} is unknown; use one of {', '.join(get_args(Method))}")
        if min(self.beams, self.max_new_tokens) < 1 or self.temperature <= 0 or not 0 < self.top_p <= 1:
            raise ParamsError("generation: use beams, max_new_tokens and temperature above 0, and top_p up to 1")


@dataclass(frozen=True)
class Generated:
    """A caption.

    Attributes:
        text: without special tokens.
        tokens: that were generated, the end token included.
        ended: whether it ended with an end token, and not at the limit.
    """

    text: str
    tokens: int
    ended: bool


def generate_captions(
    model: VisionLanguageModel,
    features: Sequence[Tensor],
    shapes: Sequence[Shape],
    settings: GenerationSettings,
    *,
    prompt: int | str = 0,
    examples: Sequence[Sequence[Example]] | None = None,
    batch_size: int = 32,
) -> list[Generated]:
    """Captions images; samples of like length share a batch. PyTorch's global generator stays as it is.

    Captions do not depend on the batch, but for rounding; draws do. The same seed draws the same captions of the same
    images with the same ``batch_size`` on the same kind of device.

    Args:
        model: stays in the mode it is in.
        features: vision tokens [v, T, d] of the views of every image.
        shapes: rows and columns of its tiles.
        settings: of the generation.
        prompt: number of the prompt, or a text of its own.
        examples: what is shown before each image; None for nothing.
        batch_size: images at once.

    Raises:
        DataError: an image has not as many views as its shape says.
        ParamsError: images and chat leave no room for a caption.
    """
    shown = [()] * len(shapes) if examples is None else examples
    rows = [
        model.chat.render([shape], None, prompt=prompt, examples=[example[1:] for example in before])
        for shape, before in zip(shapes, shown, strict=True)
    ]
    order = sorted(range(len(rows)), key=lambda row: len(rows[row].tokens))
    results: dict[int, Generated] = {}
    with _generating(model, settings.seed):
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            blocks = [block for row in batch for block in [*(example[0] for example in shown[row]), features[row]]]
            results |= zip(batch, _captions(model, [rows[row] for row in batch], blocks, settings), strict=True)
    return [results[row] for row in range(len(rows))]


@contextmanager
def _generating(model: VisionLanguageModel, seed: int) -> Iterator[None]:
    """Sets evaluation mode and seed, and puts back what was."""
    training = model.training
    model.eval()
    devices = [model.device] if model.device.type == "cuda" else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        model.train(training)


def _captions(
    model: VisionLanguageModel, rows: Sequence[Rendered], blocks: Sequence[Tensor], settings: GenerationSettings
) -> list[Generated]:
    packed = pack(rows, model.tokenizer.pad_token_id).to(model.device)
    inputs = model.embed(packed.tokens, _visual(model, blocks), packed.views)
    causal, stops = model.causal_model, _stop_tokens(model)
    own, causal.generation_config = causal.generation_config, _decoding(model, settings, stops, inputs.shape[1])
    try:
        tokens = causal.generate(inputs_embeds=inputs, attention_mask=packed.attention)
    finally:
        causal.generation_config = own
    return [_generated(model, row, stops) for row in tokens.tolist()]


def _visual(model: VisionLanguageModel, blocks: Sequence[Tensor]) -> Tensor:
    """Returns the visual tokens of all views, each tensor of features going through the connector once."""
    distinct = {id(block): block for block in blocks}
    visual = model.visual_tokens(torch.cat(list(distinct.values())))
    parts = dict(zip(distinct, visual.split([len(block) for block in distinct.values()]), strict=True))
    return torch.cat([parts[id(block)] for block in blocks])


def _stop_tokens(model: VisionLanguageModel) -> list[int]:
    """Returns the ids that end a caption: the chat's, the tokenizer's and those that the language model names."""
    named = model.causal_model.generation_config.eos_token_id
    named = [named] if isinstance(named, int) else named or []
    return sorted({model.chat.end_token, model.tokenizer.eos_token_id, *named})


def _decoding(
    model: VisionLanguageModel, settings: GenerationSettings, stops: list[int], length: int
) -> "GenerationConfig":
    """Returns what transformers is told; it stands in for the model's own settings, which would add to it."""
    from transformers import GenerationConfig

    limit = settings.max_new_tokens
    if model.positions is not None:
        limit = min(limit, model.positions - length)
    method: dict[str, float] = {}
    if settings.method == "beam":
        method = {"num_beams": settings.beams}
    if settings.method == "sample":
        method = {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=limit, eos_token_id=stops, pad_token_id=model.tokenizer.pad_token_id, use_cache=True, **method
    )


def _generated(model: VisionLanguageModel, tokens: list[int], stops: list[int]) -> Generated:
    end = next((place for place, token in enumerate(tokens) if token in stops), None)
    return Generated(model.chat.decode(tokens[:end]), len(tokens) if end is None else end + 1, end is not None)
