"""The loss of AlignCLIP: images and texts drawn together, samples of one modality pushed apart by their meaning."""

from ligature.pretraining.losses.alignment import alignment_loss
from ligature.pretraining.losses.settings import AlignmentSettings, chance_alignment_loss

__all__ = ["AlignmentSettings", "alignment_loss", "chance_alignment_loss"]
