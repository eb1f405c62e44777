"""Checks that stop a training which cannot succeed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from torch import Tensor

from ligature.errors import TrainingError
from ligature.training.losses import LossSettings

FIRST_STEPS = 10
"""Steps whose mean loss is the level at the start."""
PATIENCE_STEPS = 100
"""Steps after the warm-up before a flat loss is an error."""
LEAST_FALL = 0.01
"""Part of the loss that must have gone by then."""


def check_finite(loss: float, step: int, learning_rate: float, inputs: Iterable[Tensor | None]) -> None:
    """Stops at a loss that is not a finite number; looks first whether ``inputs`` are to blame.

    Raises:
        TrainingError: naming the step, the learning rate and what to try.
    """
    if math.isfinite(loss):
        return
    if any(features is not None and not features.isfinite().all() for features in inputs):
        remedy = "features of this batch are NaN or infinite: embed them again, in float32"
    else:
        remedy = "lower learning_rate or raise warmup_steps"
    raise TrainingError(f"the loss is {loss} at step {step} with learning rate {learning_rate:.3g}: {remedy}")


def check_metrics(metrics: Mapping[str, float], step: int) -> None:
    """Stops at a validation metric that is not a finite number.

    Raises:
        TrainingError: naming the metric and the step.
    """
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise TrainingError(f"validation metric {name} is {value} at step {step}: check the validation data")


def chance_loss(loss: LossSettings, batch_size: int) -> float:
    """Returns the lowest loss that logits without any information reach.

    With n candidates a pair, those of the batch or of its group, that is ``log(n)`` for a softmax. For a sigmoid it is
    the loss of the constant logit whose sigmoid is 1/n, n times the entropy of a draw that hits once in n times.
    """
    candidates = loss.group or batch_size
    if loss.kind == "infonce":
        return math.log(candidates)
    return math.log(candidates) - (candidates - 1) * math.log1p(-1 / candidates)


def check_progress(losses: Sequence[float], *, chance: float, warmup_steps: int, window: int) -> None:
    """Stops if the mean of the last ``window`` losses is not 1 % below ``chance`` and below the start.

    Nothing is checked in the first ``PATIENCE_STEPS`` steps after the warm-up.

    Raises:
        TrainingError: naming the levels and what to try.
    """
    warm = len(losses) - warmup_steps
    if warm < PATIENCE_STEPS:
        return
    recent = fmean(losses[-min(window, warm) :])
    start = fmean(losses[:FIRST_STEPS])
    if recent >= (1 - LEAST_FALL) * min(start, chance):
        raise TrainingError(
            f"the loss does not fall: {recent:.4f} at step {len(losses)}, {start:.4f} at the start, "
            f"{chance:.4f} by chance; check that captions belong to their images, raise learning_rate, "
            "or set require_progress to false"
        )
