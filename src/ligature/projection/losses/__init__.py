"""Contrastive losses over a batch: softmax or sigmoid, dense or tile by tile, on one process or many."""

from ligature.projection.losses.contrastive import contrastive_loss
from ligature.projection.losses.gathering import gather_rows
from ligature.projection.losses.settings import LossSettings

__all__ = ["LossSettings", "contrastive_loss", "gather_rows"]
