"""Projector blocks: the small maps from an encoder's features into the shared space.

Token, MLP, linear and identity are the blocks of "Harnessing Frozen Unimodal Encoders for Flexible Multimodal
Alignment" (arXiv 2409.19425), gated is that of SAIL (arXiv 2412.04616). All work on the last axis, keep PyTorch's
default initialisation and have biases.

``block.pooled(tokens, mask)`` is the mean of ``block(tokens)`` over the real tokens, computed with less: an affine map
at the end of a block commutes with the mean, so it is applied to one vector an item instead of to every token.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.errors import ParamsError
from ligature.projection.token_mean import RealTokens, masked_mean


class TokenBlock(nn.Module):
    """Linear branch plus two-layer branch on normalised features, without output norm.

    ``h = Dropout(LayerNorm(x))``, then ``Linear(h) + Linear(GELU(Linear(h)))``.
    """

    def __init__(self, in_dim: int, out_dim: int, dropout: float = 0.1) -> None:
        """Builds the block from ``in_dim`` to ``out_dim``; the hidden width is ``out_dim``."""
        super().__init__()
        self.norm = nn.LayerNorm(in_dim)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(in_dim, out_dim)
        self.mlp = nn.Sequential(nn.Linear(in_dim, out_dim), nn.GELU(), nn.Linear(out_dim, out_dim))

    def forward(self, features: Tensor) -> Tensor:
        """Maps [..., in_dim] to [..., out_dim]."""
        hidden = self.dropout(self.norm(features))
        return self.linear(hidden) + self.mlp(hidden)

    def pooled(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Maps tokens [B, T, in_dim] to the mean [B, out_dim] of the outputs where ``mask`` [B, T] is true."""
        real = RealTokens(tokens, mask)
        hidden = self.dropout(self.norm(real.values))
        inner, activation, outer = self.mlp
        return self.linear(real.mean(hidden)) + outer(real.mean(activation(inner(hidden))))


class MLPBlock(nn.Module):
    """Residual two-layer projection with an output norm.

    ``p = Linear(x)``, then ``LayerNorm(p + Dropout(Linear(GELU(p))))``.
    """

    def __init__(self, in_dim: int, out_dim: int, dropout: float = 0.1) -> None:
        """Builds the block from ``in_dim`` to ``out_dim``; the hidden width is ``out_dim``."""
        super().__init__()
        self.projection = nn.Linear(in_dim, out_dim)
        self.residual = nn.Sequential(nn.GELU(), nn.Linear(out_dim, out_dim), nn.Dropout(dropout))
        self.norm = nn.LayerNorm(out_dim)

    def forward(self, features: Tensor) -> Tensor:
        """Maps [..., in_dim] to [..., out_dim]."""
        projected = self.projection(features)
        return self.norm(projected + self.residual(projected))

    def pooled(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Maps tokens [B, T, in_dim] to the mean [B, out_dim] of the outputs where ``mask`` [B, T] is true."""
        real = RealTokens(tokens, mask)
        return real.mean(self(real.values))


class GatedBlock(nn.Module):
    """Gated linear unit on normalised features: the projection head of SAIL.

    ``h = Dropout(LayerNorm(x))``, then ``Linear(ReLU6(Linear(h)) * Linear(h))``. The hidden width is ``out_dim``, which
    gives the block the size of a token block; SAIL takes eight times the input width, and no dropout.
    """

    def __init__(self, in_dim: int, out_dim: int, dropout: float = 0.1) -> None:
        """Builds the block from ``in_dim`` to ``out_dim``."""
        super().__init__()
        self.norm = nn.LayerNorm(in_dim)
        self.dropout = nn.Dropout(dropout)
        self.gate = nn.Linear(in_dim, out_dim)
        self.value = nn.Linear(in_dim, out_dim)
        self.output = nn.Linear(out_dim, out_dim)

    def forward(self, features: Tensor) -> Tensor:
        """Maps [..., in_dim] to [..., out_dim]."""
        return self.output(self._gated(features))

    def pooled(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Maps tokens [B, T, in_dim] to the mean [B, out_dim] of the outputs where ``mask`` [B, T] is true."""
        real = RealTokens(tokens, mask)
        return self.output(real.mean(self._gated(real.values)))

    def _gated(self, features: Tensor) -> Tensor:
        hidden = self.dropout(self.norm(features))
        return _Gating.apply(self.gate(hidden), self.value(hidden))


class _Gating(torch.autograd.Function):
    """``ReLU6(gate) * value``, which keeps its two inputs for the gradient and not the open gate too."""

    @staticmethod
    def forward(ctx, gate: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(gate, value)
        return functional.relu6(gate) * value

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        gate, value = ctx.saved_tensors
        inside = (gate > 0) & (gate < 6)
        return gradient * value * inside, gradient * functional.relu6(gate)


class LinearBlock(nn.Linear):
    """One affine map."""

    def pooled(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Maps tokens [B, T, in_dim] to the mean [B, out_dim] of the outputs where ``mask`` [B, T] is true."""
        return self(masked_mean(tokens, mask))


class IdentityBlock(nn.Identity):
    """Passes features through."""

    def pooled(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the mean [B, D] of tokens [B, T, D] where ``mask`` [B, T] is true."""
        return masked_mean(tokens, mask)


_WITH_DROPOUT = {"token": TokenBlock, "mlp": MLPBlock, "gated": GatedBlock}


def make_block(kind: str, in_dim: int, out_dim: int, dropout: float = 0.1) -> nn.Module:
    """Returns the block named ``token``, ``mlp``, ``linear``, ``gated`` or ``identity``.

    Raises:
        ParamsError: for an unknown kind, or for ``identity`` between two widths.
    """
    if kind in _WITH_DROPOUT:
        return _WITH_DROPOUT[kind](in_dim, out_dim, dropout)
    if kind == "linear":
        return LinearBlock(in_dim, out_dim)
    if kind != "identity":
        raise ParamsError(f"projector block {kind!r} is unknown: use token, mlp, linear, gated or identity")
    if in_dim != out_dim:
        raise ParamsError(f"an identity block cannot map width {in_dim} to width {out_dim}")
    return IdentityBlock()
