"""What all trainings share: loops, contrastive losses, checkpoints, several processes, the account of compute."""

from ligature.training.contrastive import ContrastiveLoop
from ligature.training.loop import TrainingLoop
from ligature.training.losses import LossSettings, contrastive_loss, gather_rows
from ligature.training.optimisation import learning_rate_at, make_optimizer, parameter_groups
from ligature.training.run import run_training
from ligature.training.runtime import Runtime
from ligature.training.settings import Schedule

__all__ = [
    "ContrastiveLoop",
    "LossSettings",
    "Runtime",
    "Schedule",
    "TrainingLoop",
    "contrastive_loss",
    "gather_rows",
    "learning_rate_at",
    "make_optimizer",
    "parameter_groups",
    "run_training",
]
