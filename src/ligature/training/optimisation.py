"""AdamW with decay on matrices only, and a learning rate that is a function of the step."""

import math
from typing import Literal

from torch import nn
from torch.optim import AdamW


def learning_rate_at(
    step: int,
    *,
    total_steps: int,
    warmup_steps: int,
    learning_rate: float,
    min_learning_rate: float,
    decay: Literal["cosine", "linear"] = "cosine",
) -> float:
    """Returns the learning rate of ``step`` (from 0): linear warm-up, then a cosine or a straight line.

    It rises from ``min_learning_rate`` at step 0 to ``learning_rate`` at step ``warmup_steps`` and falls to
    ``min_learning_rate`` at the last step, ``total_steps - 1``.
    """
    span = learning_rate - min_learning_rate
    if step < warmup_steps:
        return min_learning_rate + span * step / warmup_steps
    progress = min((step - warmup_steps) / max(total_steps - 1 - warmup_steps, 1), 1.0)
    share = 1 - progress if decay == "linear" else (1 + math.cos(math.pi * progress)) / 2
    return min_learning_rate + span * share


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Returns optimiser groups of what is trained: decay for matrices, none for biases, norms and the temperature."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def make_optimizer(
    model: nn.Module, weight_decay: float, *, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
) -> AdamW:
    """Returns fused AdamW over ``parameter_groups``; the learning rate is set at every step."""
    return AdamW(parameter_groups(model, weight_decay), lr=0.0, betas=betas, eps=eps, fused=True)
