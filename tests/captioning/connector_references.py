"""Connectors straight from the formulas of their papers, with nothing clever, and small connectors to compare."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ligature.captioning.connectors import Connector, ConnectorConfig, make_connector

SIZES = {"vision_width": 6, "language_width": 8, "vocabulary": 50, "tokens": 16, "grid": (4, 4)}


def small_config(kind: str = "align", **changes: Any) -> ConnectorConfig:
    extra = {"pixel-shuffle": {"factor": 2}, "perceiver": {"queries": 3, "heads": 2}}.get(kind, {})
    return ConnectorConfig(kind=kind, **{**SIZES, **extra, **changes})


def language_tables(config: ConnectorConfig, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Returns an embedding table and a head of their own, float64 with standard deviation 0.05."""
    generator = torch.Generator().manual_seed(seed)
    shape = 2, config.vocabulary, config.language_width
    embeddings, head = 0.05 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return embeddings, head


def small_connector(kind: str = "align", **changes: Any) -> tuple[Connector, Tensor, Tensor]:
    """Returns a float64 connector, features [2, T, d] and the embeddings; every third token is kept where pruned."""
    config = small_config(kind, **changes)
    torch.manual_seed(0)
    embeddings, head = language_tables(config)
    kept = None if config.pruned is None else torch.arange(0, 3 * config.pruned, 3)
    connector = make_connector(config, embeddings=embeddings, head=head, kept=kept).double()
    if kind == "align" and config.head_init:
        connector.initialise(embeddings, head, kept)  # again, now without rounding to float32
    return connector, torch.randn(2, config.tokens, config.vision_width, dtype=torch.float64), embeddings


def reference_norm(values: Tensor, weight: Any = 1, bias: Any = 0) -> Tensor:
    mean = values.mean(dim=-1, keepdim=True)
    variance = ((values - mean) ** 2).mean(dim=-1, keepdim=True)
    return weight * (values - mean) / (variance + 1e-5).sqrt() + bias


def reference_softmax(logits: Tensor) -> Tensor:
    powers = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def reference_mixture(queries: Tensor, keys: Tensor, values: Tensor, weight: Any = None, bias: Any = None) -> Tensor:
    """P = softmax(LN(W2 q)), F' = P' E; no norm where there is no weight."""
    logits = queries @ keys.T
    return reference_softmax(logits if weight is None else reference_norm(logits, weight, bias)) @ values


def folded_mixture(queries: Tensor, keys: Tensor, values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same as attention: the norm folded into queries and keys by mean and covariance of the keys."""
    mean, centred = keys.mean(dim=0), keys - keys.mean(dim=0)
    means = queries @ mean
    sigmas = ((queries @ (centred.T @ centred / len(keys)) * queries).sum(dim=1) + 1e-5).sqrt()
    asked = torch.cat([queries / sigmas[:, None], (-means / sigmas)[:, None], torch.ones(len(queries), 1)], dim=1)
    offered = torch.cat([weight[:, None] * keys, weight[:, None], bias[:, None]], dim=1)
    return functional.scaled_dot_product_attention(asked[None], offered[None], values[None], scale=1.0)[0]


def reference_align_weights(connector: Connector, features: Tensor) -> Tensor:
    """P [N, T', V] of the paper's formula, or of its departures, from the connector's own weights."""
    joined = reference_shuffle(features, connector.config.grid, connector.config.factor)
    mapped = joined @ connector.map.weight.T
    if connector.config.bias:
        mapped = mapped + connector.map.bias
    affine = (connector.norm.weight, connector.norm.bias) if connector.config.affine_norm else ()
    logits = reference_norm(mapped, *affine) @ connector.to_vocabulary.T
    norm = connector.vocabulary_norm
    return reference_softmax(logits if norm is None else reference_norm(logits, norm.weight, norm.bias))


def reference_shuffle(features: Tensor, grid: tuple[int, int], factor: int) -> Tensor:
    rows, columns = grid
    squares = []
    for top in range(0, rows, factor):
        for left in range(0, columns, factor):
            places = [(top + down) * columns + left + right for down in range(factor) for right in range(factor)]
            squares.append(torch.cat([features[:, place] for place in places], dim=-1))
    return torch.stack(squares, dim=1)


def reference_h_reducer(connector: Connector, features: Tensor) -> Tensor:
    """Every run of r neighbours of a row times the kernel of its place in the run, summed; then the linear map."""
    size, runs = connector.config.reduction, []
    for start in range(0, features.shape[1], size):
        parts = [features[:, start + at] @ connector.reduce.weight[:, :, 0, at].T for at in range(size)]
        runs.append(sum(parts) + connector.reduce.bias)
    return torch.stack(runs, dim=1) @ connector.map.weight.T + connector.map.bias


def reference_perceiver(connector: Connector, features: Tensor) -> Tensor:
    """Flamingo's resampler for one view at a time, head by head."""
    context, views = connector.map(features), []
    for view in context:
        latents = connector.queries
        for block in connector.blocks:
            asking = block.latent_norm(latents)
            offered = torch.cat([block.context_norm(view), asking])
            keys, values = (offered @ half.T for half in block.to_key_value.weight.chunk(2))
            heads = zip(
                *(side.chunk(block.heads, dim=1) for side in (block.to_query(asking), keys, values)), strict=True
            )
            mixed = [reference_softmax(q @ k.T / math.sqrt(q.shape[1])) @ v for q, k, v in heads]
            latents = latents + torch.cat(mixed, dim=1) @ block.output.weight.T
            latents = latents + block.mlp(latents)
        views.append(connector.norm(latents))
    return torch.stack(views)
