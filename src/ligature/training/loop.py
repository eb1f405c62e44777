"""The loop of contrastive training: every step is a function of the seed, the step and the state before it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from statistics import fmean
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.optim import Optimizer

from ligature.training.accumulation import accumulate_gradients
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
    """Pairs that are encoded at once."""

    def inputs(self) -> Sequence[Tensor | None]:
        """Returns what the model is given as numbers, to look for values that are not finite."""


Part = TypeVar("Part", bound=MicroBatch)


class ContrastiveLoop(ABC, Generic[Part]):
    """One training in progress, in one of its processes. It reseeds PyTorch's global generator at every step.

    A subclass says what the pairs of a step are, how a model encodes them and which loss they have. The model has a
    ``temperature``, says ``count_parameters()``, and is asked to ``clamp_temperature()`` after every step.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        pairs: int,
        settings: Schedule,
        runtime: Runtime,
        processes: Processes,
        *,
        unit: int = 1,
    ) -> None:
        """Takes the model as it starts.

        Args:
            model: on the device of the process.
            optimizer: of its parameters; its learning rate is set at every step.
            pairs: images to train on.
            settings: epochs, batches and learning rate.
            runtime: precision, micro-batches and what is read ahead.
            processes: that share every batch.
            unit: pairs of a batch that stay on one process.

        Raises:
            ParamsError: if settings, pairs and the number of processes do not fit together.
        """
        self.settings, self.runtime, self.processes = settings, runtime, processes
        self.steps_per_epoch = settings.steps_per_epoch(pairs)
        self.total_steps = settings.total_steps(pairs)
        self.batch_size = min(settings.batch_size, pairs)
        self.share = processes.share(self.batch_size, unit)
        scaler = GradScaler(processes.device.type, enabled=runtime.precision == "float16")
        self.state = TrainingState(model, optimizer, scaler)

    @abstractmethod
    def load(self, first_step: int) -> Iterator[list[Part]]:
        """Yields the micro-batches of this process's share of every step from ``first_step`` on."""

    @abstractmethod
    def encode(self, part: Part) -> tuple[Tensor, Tensor]:
        """Returns the image and the text features of a micro-batch."""

    @abstractmethod
    def loss(self, images: Tensor, texts: Tensor, parts: list[Part]) -> Tensor:
        """Returns this process's share of the loss of the features of all micro-batches."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """The lowest loss that logits without any information reach."""

    @property
    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results, as JSON values."""

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
        learning_rate, temperature = self._set_learning_rate(), state.model.temperature
        state.optimizer.zero_grad()
        loss = self._backward(parts)
        check_finite(loss, state.step + 1, learning_rate, (features for part in parts for features in part.inputs()))
        self.processes.sum_gradients(state.model.parameters())
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.model.clamp_temperature()
        state.step += 1
        return {
            "step": state.step,
            "epoch": math.ceil(state.step / self.steps_per_epoch),
            "train_loss": loss,
            "learning_rate": learning_rate,
            "temperature": temperature,
        }

    def outcome(self) -> dict[str, Any]:
        """Returns what every finished training reports: its steps, the loss of its last epoch, its last metrics."""
        history = self.state.history
        return {
            "trainable_parameters": self.state.model.count_parameters(),
            "steps": self.state.step,
            "samples_seen": self.state.step * self.batch_size,
            "train_loss": fmean(row["train_loss"] for row in history[-self.steps_per_epoch :]),
            "temperature": self.state.model.temperature,
        } | {key: value for key, value in history[-1].items() if key.startswith("validation_")}

    def _set_learning_rate(self) -> float:
        settings = self.settings
        learning_rate = learning_rate_at(
            self.state.step,
            total_steps=self.total_steps,
            warmup_steps=settings.warmup_steps,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
        )
        for group in self.state.optimizer.param_groups:
            group["lr"] = learning_rate
        return learning_rate

    def _backward(self, parts: list[Part]) -> float:
        """Adds this process's share of the gradient to the parameters, and returns the loss of all processes."""
        self.state.model.train()
        device = self.processes.device.type
        dtype = _AUTOCAST.get(self.runtime.precision)

        def encode(part: int) -> tuple[Tensor, Tensor]:
            torch.manual_seed(_seed_of(self.settings.seed, self.state.step, self.processes.rank, part))
            with torch.autocast(device, dtype, enabled=dtype is not None):
                return self.encode(parts[part])

        def loss_of(images: Tensor, texts: Tensor) -> Tensor:
            return self.loss(images, texts, parts)

        share = accumulate_gradients(encode, len(parts), loss_of, self.state.scaler.scale)
        return self.processes.sum(share.item())

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
