"""What a vision encoder is trained to do: classify labels, or tell images apart from augmented views."""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ligature.encoders.unimodal.architectures import feature_width, pooled_features
from ligature.encoders.unimodal.augmentation import shift_and_scale, vary_light
from ligature.encoders.unimodal.images import pixel_values
from ligature.encoders.unimodal.losses import nt_xent

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Outcome(NamedTuple):
    """Loss of a batch, and the share of its images classified rightly where there are labels."""

    loss: torch.Tensor
    accuracy: float | None


class Supervised(nn.Module):
    """Classification of labels by a linear layer on the pooled features."""

    SHIFT, SCALE = 0.05, 0.05

    def __init__(self, encoder: "PreTrainedModel", labels: torch.Tensor) -> None:
        """Keeps ``labels``, any integers (images,), as classes counted from zero."""
        super().__init__()
        self.encoder = encoder
        names, self.classes = torch.unique(labels, return_inverse=True)
        self.head = nn.Linear(feature_width(encoder), len(names))

    def forward(self, pixels: torch.Tensor, rows: torch.Tensor, generator: torch.Generator) -> Outcome:
        """Returns the cross entropy of uint8 ``pixels`` (batch, 3, side, side) at ``rows`` of the data."""
        classes = self.classes[rows]
        images = shift_and_scale(pixel_values(pixels), shift=self.SHIFT, scale=self.SCALE, generator=generator)
        logits = self.head(pooled_features(self.encoder, images))
        right = logits.argmax(dim=1) == classes
        return Outcome(functional.cross_entropy(logits, classes), right.float().mean().item())


class SimCLR(nn.Module):
    """Two views of every image find each other through a projection that is dropped afterwards.

    Views are moved, zoomed and tinted a little, too little to change the name of a colour or a place, so
    that these stay what tells images apart (SimCLR, arXiv 2002.05709).
    """

    TEMPERATURE = 0.1
    SHIFT, SCALE, LIGHT = 0.1, 0.1, 0.1
    HIDDEN, PROJECTED = 256, 64

    def __init__(self, encoder: "PreTrainedModel") -> None:
        """Adds a projection of random weights to ``encoder``."""
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.Linear(feature_width(encoder), self.HIDDEN),
            nn.BatchNorm1d(self.HIDDEN),
            nn.ReLU(),
            nn.Linear(self.HIDDEN, self.PROJECTED),
        )

    def forward(self, pixels: torch.Tensor, rows: torch.Tensor, generator: torch.Generator) -> Outcome:
        """Returns the NT-Xent loss of uint8 ``pixels`` (batch, 3, side, side); ``rows`` play no part."""
        views = pixel_values(pixels).repeat(2, 1, 1, 1)
        views = shift_and_scale(views, shift=self.SHIFT, scale=self.SCALE, generator=generator)
        views = vary_light(views, strength=self.LIGHT, generator=generator)
        first, second = self.head(pooled_features(self.encoder, views)).chunk(2)
        return Outcome(nt_xent(first, second, temperature=self.TEMPERATURE), None)
