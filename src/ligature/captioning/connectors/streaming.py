"""The mixture of token embeddings at the heart of ALIGN, without a matrix of tokens x vocabulary.

A visual token's weights are a softmax over the vocabulary, whose logits may pass a layer norm first. Tokens do not
depend on each other, so a few rows of weights exist at a time, over the whole vocabulary. Blocks of the vocabulary
would need an online softmax, and for the norm the covariance of the keys, which costs as much as a product of D rows
with all of them; rows need neither, and are normed exactly as the plain form norms them.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

ROWS = 128


def mixture_weights(queries: Tensor, keys: Tensor, norm_weight: Tensor | None, norm_bias: Tensor | None) -> Tensor:
    """Returns the weights [n, V] of the mixtures, at least in float32; every row is at least 0 and sums to 1.

    Args:
        queries: [n, D].
        keys: [V, D].
        norm_weight: gain [V] of a layer norm over the logits, None for no norm.
        norm_bias: bias [V] of that layer norm, None for no norm.
    """
    return _normed(queries @ keys.T, norm_weight, norm_bias).softmax(dim=-1)


def _normed(logits: Tensor, norm_weight: Tensor | None = None, norm_bias: Tensor | None = None) -> Tensor:
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if norm_weight is None:
        return wide
    return functional.layer_norm(wide, wide.shape[-1:], norm_weight.to(wide.dtype), norm_bias.to(wide.dtype))


def align_mixture_plain(
    queries: Tensor, keys: Tensor, values: Tensor, norm_weight: Tensor | None, norm_bias: Tensor | None
) -> Tensor:
    """Returns what ``align_mixture`` returns, with all weights in memory."""
    return mixture_weights(queries, keys, norm_weight, norm_bias).to(values.dtype) @ values


def align_mixture(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    norm_weight: Tensor | None = None,
    norm_bias: Tensor | None = None,
    chunk: int = ROWS,
) -> Tensor:
    """Returns ``softmax(norm(queries @ keys.T)) @ values`` [n, E] in the type of the values.

    Logits are products in the type of the queries, or in that of autocast; norm and softmax are at least float32. All
    arguments have gradients. Kept for backward are the arguments alone; backward computes the weights again.

    Args:
        queries: [n, D].
        keys: [V, D].
        values: [V, E].
        norm_weight: gain [V] of a layer norm over the logits, None for no norm.
        norm_bias: bias [V] of that layer norm, None for no norm.
        chunk: rows of weights that exist at a time.
    """
    device = queries.device.type
    if torch.is_autocast_enabled(device):
        queries, keys, values = (each.to(torch.get_autocast_dtype(device)) for each in (queries, keys, values))
    with torch.autocast(device, enabled=False):
        return _TiledMixture.apply(queries, keys, values, norm_weight, norm_bias, chunk)


class _TiledMixture(Function):
    """The mixture, a few rows at a time in both directions."""

    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        norm_weight: Tensor | None,
        norm_bias: Tensor | None,
        chunk: int,
    ) -> Tensor:
        """Takes [n, D], [V, D], [V, E], [V] and [V]; returns [n, E]."""
        mixed = values.new_empty(len(queries), values.shape[1])
        for rows in _iterate_rows(queries, chunk):
            weights = mixture_weights(queries[rows], keys, norm_weight, norm_bias)
            torch.mm(weights.to(values.dtype), values, out=mixed[rows])
        ctx.chunk = chunk
        ctx.save_for_backward(queries, keys, values, norm_weight, norm_bias)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Adds up the gradients of all rows; those of the logits come from autograd, row by row."""
        queries, keys, values, *norm = ctx.saved_tensors
        sums = [
            torch.zeros_like(each, dtype=torch.promote_types(each.dtype, torch.float32)) if needed else None
            for each, needed in zip(ctx.saved_tensors, ctx.needs_input_grad, strict=False)
        ]
        with torch.autocast(queries.device.type, enabled=False):
            for rows in _iterate_rows(queries, ctx.chunk):
                own = None if sums[0] is None else sums[0][rows]
                _add_gradients([own, *sums[1:]], (queries[rows], keys, values, *norm), gradient[rows])
        given = zip(sums, ctx.saved_tensors, strict=True)
        return *(None if total is None else total.to(each.dtype) for total, each in given), None


def _add_gradients(sums: list[Tensor | None], arguments: tuple[Tensor | None, ...], gradient: Tensor) -> None:
    """Adds the gradients of a few rows to the sums of all arguments, of which some may not be wanted."""
    queries, keys, values, *norm = arguments
    of_queries, of_keys, of_values, *of_norm = sums
    weights, of_logits, *parts = _softmax_backward(queries @ keys.T, norm, gradient @ values.T)
    _add_product(of_values, weights.to(values.dtype).T, gradient)
    _add_product(of_keys, of_logits.T, queries)
    _add_product(of_queries, of_logits, keys)
    for total, part in zip(of_norm, parts, strict=False):
        if total is not None:
            total += part


def _softmax_backward(logits: Tensor, norm: list[Tensor | None], gradient: Tensor) -> tuple[Tensor, ...]:
    """Returns the weights [n, V], and the gradients of logits and norm for a gradient [n, V] of the weights.

    The softmax works in place, the norm's gradient comes from autograd, which keeps the norm's input and no output.
    """
    leaves = [each.detach().requires_grad_() for each in (logits, *norm) if each is not None]
    with torch.enable_grad():
        normed = _normed(*leaves)
    weights, gradient = normed.detach(), gradient.to(normed.dtype)
    weights.sub_(weights.amax(dim=-1, keepdim=True)).exp_().div_(weights.sum(dim=-1, keepdim=True))
    gradient.sub_((gradient[:, None] @ weights[..., None])[..., 0]).mul_(weights)
    return weights, *torch.autograd.grad(normed, leaves, gradient)


def _add_product(total: Tensor | None, left: Tensor, right: Tensor) -> None:
    """Adds ``left @ right`` to the sum, if there is one, without a copy where the types agree."""
    if total is None:
        return
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right


def _iterate_rows(queries: Tensor, chunk: int) -> Iterator[slice]:
    yield from (slice(start, start + chunk) for start in range(0, len(queries), chunk))


@torch.no_grad()
def mixture_entropy(
    queries: Tensor,
    keys: Tensor,
    norm_weight: Tensor | None = None,
    norm_bias: Tensor | None = None,
    chunk: int = ROWS,
) -> Tensor:
    """Returns the entropy [n] of the weights of every mixture in nats; arguments as for ``align_mixture``."""
    parts = [
        torch.special.entr(mixture_weights(queries[rows], keys, norm_weight, norm_bias)).sum(dim=-1)
        for rows in _iterate_rows(queries, chunk)
    ]
    return torch.cat(parts)


@torch.no_grad()
def mixture_top(
    queries: Tensor,
    keys: Tensor,
    norm_weight: Tensor | None = None,
    norm_bias: Tensor | None = None,
    *,
    count: int,
    chunk: int = ROWS,
) -> tuple[Tensor, Tensor]:
    """Returns the rows [n, count] that weigh most in every mixture, and their weights; the heaviest first."""
    parts = [
        mixture_weights(queries[rows], keys, norm_weight, norm_bias).topk(count)
        for rows in _iterate_rows(queries, chunk)
    ]
    weights, rows = (torch.cat(side) for side in zip(*parts, strict=True))
    return rows, weights
