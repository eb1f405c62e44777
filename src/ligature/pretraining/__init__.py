"""Contrastive training of an image and a text tower from scratch: CLIP, SharedCLIP and AlignCLIP."""

from ligature.encoders.contrastive import PUBLISHED, ContrastiveConfig, ContrastiveModel
from ligature.pretraining.losses import AlignmentSettings, alignment_loss
from ligature.pretraining.pairs import ImageTextPairs
from ligature.pretraining.settings import PretrainSettings
from ligature.pretraining.training import PretrainingResult, pretrain

__all__ = [
    "PUBLISHED",
    "AlignmentSettings",
    "ContrastiveConfig",
    "ContrastiveModel",
    "ImageTextPairs",
    "PretrainSettings",
    "PretrainingResult",
    "alignment_loss",
    "pretrain",
]
