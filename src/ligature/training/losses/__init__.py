"""Contrastive losses over a batch: softmax or sigmoid, dense or tile by tile, on one process or many."""

from ligature.training.losses.contrastive import contrastive_loss
from ligature.training.losses.gathering import gather_rows
from ligature.training.losses.settings import LossSettings

__all__ = ["LossSettings", "contrastive_loss", "gather_rows"]
