"""The projector: frozen vision and text features in, unit vectors of one shared space out."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ligature.errors import DataError
from ligature.projection.blocks import make_block
from ligature.projection.config import ProjectorConfig
from ligature.projection.token_mean import RealTokens


class Projector(nn.Module):
    """Small trained maps between frozen encoders, and a learned temperature.

    An image is the mean of ``vision_local`` over its patch tokens plus ``vision_cls`` of its CLS token. A text
    is ``text_global`` of the mean of ``text_local`` over its tokens (arXiv 2409.19425). Either mean may be another
    pooling. The global projector takes the width that reaches it.

    Attributes:
        logit_scale: the logarithm of one over the temperature.
        logit_bias: what is added to every logit, or None.
    """

    def __init__(self, config: ProjectorConfig) -> None:
        """Builds the blocks of ``config`` with PyTorch's default initialisation."""
        super().__init__()
        self.config = config
        self.vision_local = self._vision_block("vision_local")
        self.vision_cls = self._vision_block("vision_cls")
        self.text_local = make_block(config.text_local, config.text_dim, config.text_mean_dim, config.dropout)
        self.text_global = make_block(config.text_global, config.text_mean_dim, config.embed_dim, config.dropout)
        self.logit_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        self.logit_bias = None if config.logit_bias is None else nn.Parameter(torch.tensor(float(config.logit_bias)))

    def _vision_block(self, key: str) -> nn.Module | None:
        if key not in self.config.vision_branches:
            return None
        config = self.config
        return make_block(getattr(config, key), config.vision_dim, config.embed_dim, config.dropout)

    def encode_image(
        self, cls: Tensor | None = None, local: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Returns unit image features [B, embed_dim].

        Args:
            cls: CLS tokens [B, vision_dim].
            local: patch tokens [B, T, vision_dim], or their mean [B, vision_dim], which counts as one token.
            mask: [B, T], true at real tokens; at least one a row. All tokens are real where it is missing.

        Features of a branch that the projector has not are ignored.

        Raises:
            DataError: if features of a branch that the projector has are missing.
        """
        parts = []
        if self.vision_local is not None:
            local = _given(local, "vision_local")
            parts.append(_pooled(self.vision_local, local, mask, self.config.vision_pooling))
        if self.vision_cls is not None:
            parts.append(self.vision_cls(_given(cls, "vision_cls")))
        return _unit(sum(parts))

    def encode_text(self, local: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns unit text features [B, embed_dim].

        Args:
            local: tokens [B, L, text_dim], or their mean [B, text_dim], which counts as one token.
            mask: [B, L], true at real tokens; at least one a row. All tokens are real where it is missing.
        """
        return _unit(self.text_global(_pooled(self.text_local, local, mask, self.config.text_pooling)))

    def project_patches(self, local: Tensor) -> Tensor:
        """Returns every patch token [B, T, vision_dim] in the shared space [B, T, embed_dim], not normalised.

        Raises:
            DataError: if the projector has no branch for patch tokens.
        """
        if self.vision_local is None:
            raise DataError("this projector has no vision_local branch, so it cannot project patch tokens")
        return self.vision_local(local)

    @property
    def temperature(self) -> float:
        """The learned temperature: logits are cosine similarities over it."""
        return math.exp(-self.logit_scale.item())

    @torch.no_grad()
    def clamp_temperature(self) -> None:
        """Moves the temperature back into its bounds; called after every optimiser step.

        The parameter itself is bounded, and not only its use, so that it can always come back.
        """
        lowest, highest = self.config.min_temperature, self.config.max_temperature
        self.logit_scale.clamp_(-math.log(highest), -math.log(lowest))

    def count_parameters(self, trainable: bool = True) -> int:
        """Returns the number of trainable parameters, or of all of them."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not trainable)


def _pooled(block: nn.Module, features: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    if features.ndim == 2:
        return block(features)
    if pooling == "mean":
        return block.pooled(features, mask)
    if pooling == "cls":
        return block(features[:, 0])
    real = RealTokens(features, mask)
    return real.max(block(real.values))


def _unit(features: Tensor) -> Tensor:
    return functional.normalize(features.to(torch.promote_types(features.dtype, torch.float32)), dim=-1)


def _given(features: Tensor | None, key: str) -> Tensor:
    if features is None:
        raise DataError(f"the projector has a {key} branch, but its features are missing: set {key} to none")
    return features
