"""The training loop: AdamW, a rate per step that warms up and falls as a cosine, one history row an epoch."""

import math
from collections.abc import Iterator

import pandas as pd
import torch
from torch import nn

from ligature.encoders.unimodal.objectives import Outcome
from ligature.errors import TrainingError
from ligature.params.encoders import VisionRecipe
from ligature.progress import Progress

WARM_UP = 0.1
WEIGHT_DECAY = 0.05
BETAS = (0.9, 0.98)
LARGEST_GRADIENT = 1.0


def rate_factor(step: int, steps: int) -> float:
    """Returns what the peak rate is multiplied with at ``step``, from 0: linear warm-up, then cosine to zero."""
    warm_up = max(int(WARM_UP * steps), 1)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))


def epoch_batches(count: int, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Yields the rows of every batch of an epoch in random order; a rest smaller than a batch is left out."""
    order = torch.randperm(count, generator=generator)
    for start in range(0, count - batch_size + 1, batch_size):
        yield order[start : start + batch_size]


def train(objective: nn.Module, pixels: torch.Tensor, recipe: VisionRecipe, name: str) -> pd.DataFrame:
    """Trains ``objective`` in place and returns its history: epoch, loss and, with labels, accuracy.

    Args:
        objective: module that maps (pixels of a batch, its rows, generator) to an ``Outcome``.
        pixels: all images, uint8 (images, 3, side, side).
        recipe: epochs, batch size, peak learning rate and seed.
        name: name of the encoder, for progress and errors.

    Raises:
        TrainingError: the loss is not a number.
    """
    batch_size = min(recipe.batch_size, len(pixels))
    steps = recipe.epochs * (len(pixels) // batch_size)
    optimizer = _optimizer(objective, recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, steps))
    generator = torch.Generator().manual_seed(recipe.seed)
    objective.train()
    history = []
    with Progress(f"train {name}", steps * batch_size, "images") as progress:
        for epoch in range(1, recipe.epochs + 1):
            outcomes = []
            for rows in epoch_batches(len(pixels), batch_size, generator):
                outcome = objective(pixels[rows], rows, generator)
                outcomes.append(_values(outcome, f"{name}, epoch {epoch}"))
                _step(optimizer, outcome.loss, objective)
                schedule.step()
                progress.update(len(rows), note=f"epoch {epoch}, loss {outcomes[-1]['loss']:.3f}")
            history.append({"epoch": epoch} | pd.DataFrame(outcomes).mean().to_dict())
    return pd.DataFrame(history).round(6)


def _values(outcome: Outcome, where: str) -> dict[str, float]:
    """Returns the outcome of a batch as numbers, without an accuracy it does not have."""
    loss = outcome.loss.item()
    if not math.isfinite(loss):
        raise TrainingError(f"{where}: the loss is {loss}; lower the learning_rate")
    return {"loss": loss} | ({} if outcome.accuracy is None else {"accuracy": outcome.accuracy})


def _optimizer(objective: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    """Returns AdamW that decays matrices and filters, not biases and norms."""
    parameters = list(objective.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=BETAS, fused=True)


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor, objective: nn.Module) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(objective.parameters(), LARGEST_GRADIENT)
    optimizer.step()
