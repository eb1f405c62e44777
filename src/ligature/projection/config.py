"""What a projector is made of, and which combinations fit together."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from ligature.errors import ParamsError

BlockKind = Literal["token", "mlp", "linear", "gated", "identity"]
BranchKind = Literal["token", "mlp", "linear", "gated", "identity", "none"]
VisionPooling = Literal["mean", "max"]
TextPooling = Literal["mean", "max", "cls"]


@dataclass(frozen=True)
class ProjectorConfig:
    """The assembly of a projector.

    Attributes:
        vision_dim: width of the vision encoder's tokens.
        text_dim: width of the text encoder's tokens.
        embed_dim: width of the shared space.
        vision_local: block on patch tokens; ``none`` for an encoder without them.
        vision_cls: block on the CLS token; ``none`` for an encoder without one.
        text_local: block on every text token, before the pooling.
        text_global: block on the pooled text token.
        vision_pooling: how projected patch tokens become one vector.
        text_pooling: how projected text tokens become one vector. ``cls`` takes the first token. The published
            ``cls`` is the encoder's pooler output and meets the global block only; here ``text_local`` acts on the
            first token first, unless it is ``identity``.
        dropout: dropout rate inside the blocks.
        temperature: start of the learned temperature.
        min_temperature: lower bound of the learned temperature.
        max_temperature: upper bound of the learned temperature.
        logit_bias: start of a learned bias of the logits, for the sigmoid loss; None for a projector without one.

    An ``identity`` vision branch is left out of the sum beside a trained one. Where no vision branch is
    trained, the identity branches are summed as they are.

    Raises:
        ParamsError: for an unknown block or pooling, for no vision branch, for a number out of range, or for widths
            that do not fit.
    """

    vision_dim: int
    text_dim: int
    embed_dim: int
    vision_local: BranchKind = "token"
    vision_cls: BranchKind = "token"
    text_local: BlockKind = "token"
    text_global: BlockKind = "mlp"
    vision_pooling: VisionPooling = "mean"
    text_pooling: TextPooling = "mean"
    dropout: float = 0.1
    temperature: float = 0.07
    min_temperature: float = 0.001
    max_temperature: float = 0.5
    logit_bias: float | None = None

    def __post_init__(self) -> None:
        """Checks every value and every width."""
        self._check_kinds()
        self._check_numbers()
        self._check_widths()

    @property
    def vision_branches(self) -> tuple[str, ...]:
        """The keys of the vision branches that enter the sum."""
        kinds = {"vision_local": self.vision_local, "vision_cls": self.vision_cls}
        trained = tuple(key for key, kind in kinds.items() if kind not in ("identity", "none"))
        return trained or tuple(key for key, kind in kinds.items() if kind == "identity")

    @property
    def text_mean_dim(self) -> int:
        """The width of the pooled text token, which the global projector takes in."""
        return self.text_dim if self.text_local == "identity" else self.embed_dim

    def _check_kinds(self) -> None:
        for key, kinds in (
            ("vision_local", get_args(BranchKind)),
            ("vision_cls", get_args(BranchKind)),
            ("text_local", get_args(BlockKind)),
            ("text_global", get_args(BlockKind)),
            ("vision_pooling", get_args(VisionPooling)),
            ("text_pooling", get_args(TextPooling)),
        ):
            if getattr(self, key) not in kinds:
                raise ParamsError(f"{key} is {getattr(self, key)!r}: use one of {', '.join(kinds)}")
        if not self.vision_branches:
            raise ParamsError("vision_local and vision_cls are both none: keep at least one vision branch")

    def _check_numbers(self) -> None:
        for key in ("vision_dim", "text_dim", "embed_dim"):
            if getattr(self, key) < 1:
                raise ParamsError(f"{key} is {getattr(self, key)}: a width is at least 1")
        if not 0 <= self.dropout < 1:
            raise ParamsError(f"dropout is {self.dropout}: use a rate from 0 to below 1")
        if not 0 < self.min_temperature <= self.temperature <= self.max_temperature:
            raise ParamsError(
                f"temperature is {self.temperature}: it must lie between min_temperature "
                f"{self.min_temperature} (above 0) and max_temperature {self.max_temperature}"
            )
        if self.logit_bias is not None and not math.isfinite(self.logit_bias):
            raise ParamsError(f"logit_bias is {self.logit_bias}: it must be finite, or None for no bias")

    def _check_widths(self) -> None:
        untrained = all(getattr(self, key) == "identity" for key in self.vision_branches)
        if untrained and self.vision_dim != self.embed_dim:
            raise ParamsError(
                f"vision_local {self.vision_local} and vision_cls {self.vision_cls} keep "
                f"vision_dim {self.vision_dim}, but embed_dim is {self.embed_dim}: train one or make them equal"
            )
        if self.text_global == "identity" and self.text_mean_dim != self.embed_dim:
            raise ParamsError(
                f"text_local {self.text_local} and text_global {self.text_global} keep "
                f"text_dim {self.text_dim}, but embed_dim is {self.embed_dim}: train one or make them equal"
            )
