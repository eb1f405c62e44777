"""The loop of every training: a step is a function of the seed, the step and the state before it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from statistics import fmean
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.optim import Optimizer

from ligature.training.checkpoint import TrainingState
from ligature.training.distributed import Processes
from ligature.training.health import check_finite, check_metrics, check_progress
from ligature.training.journal import Journal
from ligature.training.optimisation import learning_rate_at
from ligature.training.prefetch import Prefetch
from ligature.training.runtime import Runtime
from ligature.training.settings import Schedule
from ligature.training.stopping import EXIT_STATUS, StopRequest

Validate = Callable[[Any], dict[str, float]]
"""Measures a model in evaluation mode."""

_AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class MicroBatch(Protocol):
    """Samples that are computed at once."""

    def inputs(self) -> Sequence[Tensor | None]:
        """Returns what the model is given as numbers, to look for values that are not finite."""


Part = TypeVar("Part", bound=MicroBatch)


class TrainingLoop(ABC, Generic[Part]):
    """One training in progress, in one of its processes. It reseeds PyTorch's global generator at every micro-batch.

    A subclass says what the samples of a step are and how the gradient of their loss comes about. The model says
    ``count_parameters()``.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        samples: int,
        settings: Schedule,
        runtime: Runtime,
        processes: Processes,
        *,
        unit: int = 1,
    ) -> None:
        """Takes the model as it starts.

        Args:
            model: on the device of the process.
            optimizer: of its parameters; the learning rates of its groups are set at every step.
            samples: images or texts to train on.
            settings: epochs, batches and learning rate.
            runtime: precision, micro-batches and what is read ahead.
            processes: that share every batch.
            unit: samples of a batch that stay on one process.

        Raises:
            ParamsError: if settings, samples and the number of processes do not fit together.
        """
        self.settings, self.runtime, self.processes = settings, runtime, processes
        self.steps_per_epoch = settings.steps_per_epoch(samples)
        self.total_steps = settings.total_steps(samples)
        self.batch_size = min(settings.batch_size, samples)
        self.share = processes.share(self.batch_size, unit)
        scaler = GradScaler(processes.device.type, enabled=runtime.precision == "float16")
        self.state = TrainingState(model, optimizer, scaler)

    @abstractmethod
    def load(self, first_step: int) -> Iterator[list[Part]]:
        """Yields the micro-batches of this process's share of every step from ``first_step`` on."""

    @abstractmethod
    def backward(self, parts: list[Part]) -> float:
        """Adds this process's share of the gradient to the parameters, and returns its share of the loss."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """The lowest loss that is reached without any information."""

    @property
    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results, as JSON values."""

    def facts_of_step(self) -> dict[str, float]:
        """Returns what else the history says of the step to come, beside loss and learning rate."""
        return {}

    def end_step(self) -> None:
        """Keeps parameters within their bounds; called after every update."""

    def learning_rate(self) -> float:
        """Returns the learning rate of the step to come, of the group with the largest."""
        settings = self.settings
        return learning_rate_at(
            self.state.step,
            total_steps=self.total_steps,
            warmup_steps=settings.warmup_steps,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
            decay=settings.decay,
        )

    def run(self, validate: Validate | None, journal: Journal | None) -> None:
        """Trains from the state's step to the end.

        Args:
            validate: measures the model at the end of epochs; given to one process only.
            journal: records the steps; given to one process only.

        Raises:
            TrainingError: if the loss or a metric is not finite, or if the loss does not fall.
            SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
        """
        state = self.state
        loaded = Prefetch(self.load(state.step), self.runtime.prefetch)
        with StopRequest() as stop, closing(iter(loaded)) as steps:
            for parts in steps:
                row = self.step(parts)
                state.history.append(row)
                if state.step % self.steps_per_epoch == 0 or state.step == self.total_steps:
                    row.update(self._end_epoch(validate))
                if journal is not None:
                    journal.note(row, self.batch_size, loaded.waited)
                if self.processes.sum(stop.requested) and state.step < self.total_steps:
                    self._stop(journal)

    def step(self, parts: list[Part]) -> dict[str, Any]:
        """Takes one step on this process's share of a batch, and returns its row of the history."""
        state = self.state
        learning_rate, facts = self.learning_rate(), self.facts_of_step()
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate * group.get("share", 1.0)
        state.optimizer.zero_grad()
        state.model.train()
        loss = self.processes.sum(self.backward(parts))
        check_finite(loss, state.step + 1, learning_rate, (features for part in parts for features in part.inputs()))
        self.processes.sum_gradients(state.model.parameters())
        state.scaler.step(state.optimizer)
        state.scaler.update()
        self.end_step()
        state.step += 1
        epoch = math.ceil(state.step / self.steps_per_epoch)
        return {"step": state.step, "epoch": epoch, "train_loss": loss, "learning_rate": learning_rate} | facts

    @contextmanager
    def computing(self, part: int) -> Iterator[None]:
        """Seeds what is random in the forward pass of a micro-batch, and sets the precision."""
        dtype = _AUTOCAST.get(self.runtime.precision)
        torch.manual_seed(_seed_of(self.settings.seed, self.state.step, self.processes.rank, part))
        with torch.autocast(self.processes.device.type, dtype, enabled=dtype is not None):
            yield

    def outcome(self) -> dict[str, Any]:
        """Returns what every finished training reports: its steps, the loss of its last epoch, its last metrics."""
        history = self.state.history
        return {
            "trainable_parameters": self.state.model.count_parameters(),
            "steps": self.state.step,
            "samples_seen": self.state.step * self.batch_size,
            "train_loss": fmean(row["train_loss"] for row in history[-self.steps_per_epoch :]),
        } | {key: value for key, value in history[-1].items() if key.startswith("validation_")}

    def _end_epoch(self, validate: Validate | None) -> dict[str, float]:
        state, settings = self.state, self.settings
        if settings.require_progress:
            check_progress(
                [row["train_loss"] for row in state.history],
                chance=self.chance,
                warmup_steps=settings.warmup_steps,
                window=self.steps_per_epoch,
            )
        last = state.history[-1]
        due = last["epoch"] % settings.validate_every_epochs == 0 or state.step == self.total_steps
        if validate is None or not due:
            return {}
        with torch.no_grad():
            metrics = validate(state.model.eval())
        check_metrics(metrics, state.step)
        return {f"validation_{name}": float(value) for name, value in metrics.items()}

    def _stop(self, journal: Journal | None) -> None:
        if journal is not None:
            journal.stop()
        self.processes.wait()  # torchrun ends the others as soon as one has ended
        raise SystemExit(EXIT_STATUS)


def _seed_of(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
