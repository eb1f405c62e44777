"""Text encoders: one adapter a loader, all giving one vector a text and, where they have them, tokens."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ligature.encoders.aligned import load_clip
from ligature.encoders.contrastive.folder import load_side
from ligature.encoders.contrastive.tokenizer import load_tokenizer
from ligature.encoders.pretrained import load_frozen, loading
from ligature.encoders.source import resolve_source
from ligature.errors import EncoderError
from ligature.params.encoders import TextEncoderParams
from ligature.store import Layout

UNLIMITED = 10**9
"""Tokenizers without a limit of their own give a number far above this one."""


@dataclass(frozen=True)
class TextFeatures:
    """What an encoder says of a batch of texts.

    Attributes:
        pooled: [b, d] one vector a text.
        tokens: [b, l, d] token states, or None where the encoder has none.
        mask: [b, l] which tokens are real.
    """

    pooled: Tensor
    tokens: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True)
class TextEncoder:
    """A frozen text encoder, ready to use.

    Attributes:
        name: in the study.
        identity: what the manifest records.
        token_lengths: number of tokens of each text before any cut, special tokens included.
        max_length: longest text in tokens; None where there is no limit.
        forward: encodes texts; longer ones are cut at ``max_length``.
    """

    name: str
    identity: dict[str, Any]
    token_lengths: Callable[[Sequence[str]], list[int]]
    max_length: int | None
    forward: Callable[[Sequence[str]], TextFeatures]


def load_text_encoder(
    params: TextEncoderParams, layout: Layout | None, *, device: str = "cpu", precision: str = "float32"
) -> TextEncoder:
    """Loads a text encoder of the registry.

    Args:
        params: the registry entry.
        layout: of the study; None for an encoder that belongs to none.
        device: where the model runs.
        precision: ``float32``, or ``bfloat16`` under autocast.

    Raises:
        EncoderError: when the source is missing or is not a text model.
    """
    return TEXT_LOADERS[params.loader](params, layout, device, precision)


def _bag_of_words(params: TextEncoderParams, *_: object) -> TextEncoder:
    def forward(texts: Sequence[str]) -> TextFeatures:
        return TextFeatures(torch.from_numpy(hashed_counts([params.prompt + text for text in texts], params.dims)))

    identity = {"name": params.name, "loader": params.loader, "dims": params.dims, "prompt": params.prompt}
    return TextEncoder(params.name, identity, lambda texts: [len(_words(text)) for text in texts], None, forward)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def hashed_counts(texts: Sequence[str], dims: int) -> np.ndarray:
    """Returns [n, dims] float32 counts of hashed words with a hashed sign, normalised to length one.

    A text without words stays zero. Signs keep colliding words from adding up (Weinberger et al., 2009).
    """
    counts = np.zeros((len(texts), dims), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in _words(text):
            code = int.from_bytes(hashlib.blake2b(word.encode("utf-8"), digest_size=8).digest(), "little")
            counts[row, (code >> 1) % dims] += 1 if code & 1 else -1
    norms = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / np.where(norms > 0, norms, 1)


def _sentence_transformers(
    params: TextEncoderParams, layout: Layout | None, device: str, precision: str
) -> TextEncoder:
    from sentence_transformers import SentenceTransformer

    source = resolve_source(params, layout)
    with loading(params, source):
        model = SentenceTransformer(
            str(source.folder), device=device, trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )
    if model.transformers_model is None:
        raise EncoderError(f"encoder {params.name!r}: {source.folder} has no transformer inside; choose another model")
    model.eval().requires_grad_(False)
    limit = _length_limit(params, model.max_seq_length, model.transformers_model)
    model.max_seq_length = limit or model.max_seq_length

    def forward(texts: Sequence[str]) -> TextFeatures:
        features = model.preprocess([params.prompt + text for text in texts])
        features = {key: value.to(device) if isinstance(value, Tensor) else value for key, value in features.items()}
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
            output = model(features)
        return TextFeatures(
            output["sentence_embedding"].float(),
            output["token_embeddings"].float(),
            output["attention_mask"].bool(),
        )

    identity = _identity(params, source.identity, limit, precision)
    return TextEncoder(params.name, identity, _lengths_by(model.tokenizer, params.prompt), limit, forward)


def _transformers(params: TextEncoderParams, layout: Layout | None, device: str, precision: str) -> TextEncoder:
    from transformers import AutoTokenizer

    source = resolve_source(params, layout)
    with loading(params, source):
        tokenizer = AutoTokenizer.from_pretrained(source.folder, trust_remote_code=False)
    model = load_frozen(params, source, "text_model", "input_ids").to(device)
    limit = _length_limit(params, tokenizer.model_max_length, model)

    def forward(texts: Sequence[str]) -> TextFeatures:
        prompted = [params.prompt + text for text in texts]
        batch = tokenizer(prompted, padding=True, truncation=True, max_length=limit, return_tensors="pt").to(device)
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
            tokens = model(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].bool()
        return TextFeatures(pool_tokens(tokens, mask, params.pooling), tokens, mask)

    identity = _identity(params, source.identity, limit, precision)
    return TextEncoder(params.name, identity, _lengths_by(tokenizer, params.prompt), limit, forward)


def _clip(params: TextEncoderParams, layout: Layout | None, device: str, precision: str) -> TextEncoder:
    from transformers import AutoTokenizer

    source = resolve_source(params, layout)
    model = load_clip(params, source).to(device)
    with loading(params, source):
        tokenizer = AutoTokenizer.from_pretrained(source.folder, trust_remote_code=False)
    limit = _length_limit(params, tokenizer.model_max_length, model.text_model)

    def forward(texts: Sequence[str]) -> TextFeatures:
        prompted = [params.prompt + text for text in texts]
        batch = tokenizer(prompted, padding=True, truncation=True, max_length=limit, return_tensors="pt").to(device)
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
            projected = model.get_text_features(**batch).pooler_output
        return TextFeatures(projected.float())

    identity = _identity(params, source.identity, limit, precision)
    return TextEncoder(params.name, identity, _lengths_by(tokenizer, params.prompt), limit, forward)


def _contrastive(params: TextEncoderParams, layout: Layout | None, device: str, precision: str) -> TextEncoder:
    source = resolve_source(params, layout)
    model = load_side(params, source, device).model
    positions = model.config.context_length
    _check_length(params, positions)
    limit = params.max_length or positions
    tokenizer = load_tokenizer(source.folder, limit)

    def token_lengths(texts: Sequence[str]) -> list[int]:
        return tokenizer.lengths([params.prompt + text for text in texts])

    def forward(texts: Sequence[str]) -> TextFeatures:
        tokens = tokenizer.encode([params.prompt + text for text in texts]).to(device)
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bfloat16"):
            return TextFeatures(model.encode_text(tokens).float())

    identity = _identity(params, source.identity, limit, precision)
    return TextEncoder(params.name, identity, token_lengths, limit, forward)


def pool_tokens(tokens: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Pools [b, l, d] tokens under a [b, l] mask into [b, d]: the first token, or the mean of the real ones."""
    if pooling == "cls":
        return tokens[:, 0]
    weights = mask.to(tokens.dtype)[..., None]
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1)


def _length_limit(params: TextEncoderParams, own: int | None, model: Any) -> int | None:
    """Returns the longest text in tokens: the study's, else the encoder's own; never above the position table."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(table, nn.Embedding) and table.padding_idx is not None:
        positions = table.num_embeddings - table.padding_idx - 1  # RoBERTa counts positions from behind the padding's
    _check_length(params, positions)
    limits = [limit for limit in (params.max_length or own, positions) if limit and limit < UNLIMITED]
    return min(limits, default=None)


def _check_length(params: TextEncoderParams, positions: int | None) -> None:
    if params.max_length and positions and params.max_length > positions:
        raise EncoderError(f"encoder {params.name!r}: max_length {params.max_length} exceeds its {positions} positions")


def _lengths_by(tokenizer: Any, prompt: str) -> Callable[[Sequence[str]], list[int]]:
    def token_lengths(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer([prompt + text for text in texts], truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    return token_lengths


def _identity(params: TextEncoderParams, revision: str, max_length: int | None, precision: str) -> dict[str, Any]:
    return {
        "name": params.name,
        "loader": params.loader,
        "source": "this study" if params.recipe else params.source,
        "revision": revision,
        "pooling": params.pooling,
        "prompt": params.prompt,
        "max_length": max_length,
        "precision": precision,
    }


TEXT_LOADERS: dict[str, Callable[..., TextEncoder]] = {
    "sentence-transformers": _sentence_transformers,
    "transformers": _transformers,
    "clip": _clip,
    "contrastive": _contrastive,
    "bag-of-words": _bag_of_words,
}
"""Adapters by name. A new one is a function here and a word in ``TextEncoderParams.loader``."""
