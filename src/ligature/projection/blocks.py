"""Projector blocks: the small maps from an encoder's features into the shared space.

The four blocks are those of "Harnessing Frozen Unimodal Encoders for Flexible Multimodal Alignment"
(arXiv 2409.19425). All work on the last axis, keep PyTorch's default initialisation and have biases.
"""

from torch import Tensor, nn

from ligature.errors import ParamsError


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


class LinearBlock(nn.Linear):
    """One affine map."""


class IdentityBlock(nn.Identity):
    """Passes features through."""


def make_block(kind: str, in_dim: int, out_dim: int, dropout: float = 0.1) -> nn.Module:
    """Returns the block named ``token``, ``mlp``, ``linear`` or ``identity``.

    Raises:
        ParamsError: for an unknown kind, or for ``identity`` between two widths.
    """
    if kind == "token":
        return TokenBlock(in_dim, out_dim, dropout)
    if kind == "mlp":
        return MLPBlock(in_dim, out_dim, dropout)
    if kind == "linear":
        return LinearBlock(in_dim, out_dim)
    if kind != "identity":
        raise ParamsError(f"projector block {kind!r} is unknown: use token, mlp, linear or identity")
    if in_dim != out_dim:
        raise ParamsError(f"an identity block cannot map width {in_dim} to width {out_dim}")
    return IdentityBlock()
