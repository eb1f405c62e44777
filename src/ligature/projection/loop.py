"""The training loop: every step is a function of the seed, the step and the state before it."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from functools import cached_property
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.amp import GradScaler

from ligature.errors import ParamsError
from ligature.projection.accumulation import accumulate_gradients
from ligature.projection.batches import Batches, MicroBatch
from ligature.projection.checkpoint import TrainingState
from ligature.projection.config import ProjectorConfig
from ligature.projection.distributed import Processes
from ligature.projection.features import PairedFeatures
from ligature.projection.flops import count_projector_flops, loss_flops
from ligature.projection.health import chance_loss, check_finite, check_metrics, check_progress
from ligature.projection.journal import Journal
from ligature.projection.losses import contrastive_loss
from ligature.projection.optimisation import learning_rate_at, make_optimizer
from ligature.projection.prefetch import Prefetch
from ligature.projection.preparation import hash_pairs, select_pairs
from ligature.projection.projector import Projector
from ligature.projection.runtime import Runtime
from ligature.projection.settings import TrainSettings
from ligature.projection.stopping import EXIT_STATUS, StopRequest

Validate = Callable[[Projector], dict[str, float]]

_AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_PAIRS_TO_COUNT = 16


class TrainingLoop:
    """One training in progress, in one of its processes. It reseeds PyTorch's global generator at every step."""

    def __init__(
        self,
        config: ProjectorConfig,
        data: PairedFeatures,
        settings: TrainSettings,
        runtime: Runtime,
        processes: Processes,
    ) -> None:
        """Selects the features that ``config`` uses and initialises the projector from the seed.

        Raises:
            ParamsError: if config, settings, data and the number of processes do not fit together.
            DataError: if features that the config needs are missing.
        """
        if settings.loss.kind == "siglip" and config.logit_bias is None:
            raise ParamsError("loss siglip needs a projector with logit_bias: set it to -10, as published")
        self.data = select_pairs(config, data)
        self.settings, self.runtime, self.processes = settings, runtime, processes
        self.batches = Batches(self.data, settings)
        self.steps_per_epoch = settings.steps_per_epoch(len(data.images))
        self.total_steps = settings.total_steps(len(data.images))
        self.share = processes.share(self.batches.size, settings.loss.group or 1)
        torch.manual_seed(settings.seed)
        projector = Projector(config).to(processes.device)
        scaler = GradScaler(processes.device.type, enabled=runtime.precision == "float16")
        self.state = TrainingState(projector, make_optimizer(projector, settings.weight_decay), scaler)
        self._encode_image, self._encode_text = projector.encode_image, projector.encode_text
        if runtime.compiled:
            # with PyTorch's own dropout masks, so that compiling changes results by rounding alone
            self._encode_image = torch.compile(self._encode_image, options={"fallback_random": True})
            self._encode_text = torch.compile(self._encode_text, options={"fallback_random": True})

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results: config, settings, precision and a hash of the data."""
        decisive = self.settings.decisive() | {"precision": self.runtime.precision, "data": hash_pairs(self.data)}
        return asdict(self.state.projector.config) | decisive

    def run(self, validate: Validate | None, journal: Journal | None) -> None:
        """Trains from the state's step to the end.

        Args:
            validate: measures the projector at the end of epochs; given to one process only.
            journal: records the steps; given to one process only.

        Raises:
            TrainingError: if the loss or a metric is not finite, or if the loss does not fall.
            SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
        """
        state, runtime = self.state, self.runtime
        loading = self.batches.load(state.step, self.share, runtime.micro_batch, self.processes.device)
        loaded = Prefetch(loading, runtime.prefetch)
        with StopRequest() as stop, closing(iter(loaded)) as steps:
            for micro_batches in steps:
                row = self.step(micro_batches)
                state.history.append(row)
                if state.step % self.steps_per_epoch == 0 or state.step == self.total_steps:
                    row.update(self._end_epoch(validate))
                if journal is not None:
                    journal.note(row, self.batches.size, loaded.waited)
                if self.processes.sum(stop.requested) and state.step < self.total_steps:
                    self._stop(journal)

    def step(self, micro_batches: list[MicroBatch]) -> dict[str, Any]:
        """Takes one step on this process's share of a batch, and returns its row of the history."""
        state = self.state
        learning_rate, temperature = self._set_learning_rate(), state.projector.temperature
        state.optimizer.zero_grad()
        loss = self._backward(micro_batches)
        inputs = (features for part in micro_batches for features in part.inputs())
        check_finite(loss, state.step + 1, learning_rate, inputs)
        self.processes.sum_gradients(state.projector.parameters())
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.projector.clamp_temperature()
        state.step += 1
        return {
            "step": state.step,
            "epoch": math.ceil(state.step / self.steps_per_epoch),
            "train_loss": loss,
            "learning_rate": learning_rate,
            "temperature": temperature,
        }

    def facts(self) -> dict[str, Any]:
        """Returns the figures of the finished training, its last metrics included."""
        history = self.state.history
        return {
            "trainable_parameters": self.state.projector.count_parameters(),
            "images": len(self.data.images),
            "texts": len(self.data.texts),
            "steps": self.state.step,
            "samples_seen": self.state.step * self.batches.size,
            "flops": self.state.step * self._flops_of_a_step(),
            "train_loss": fmean(row["train_loss"] for row in history[-self.steps_per_epoch :]),
            "temperature": self.state.projector.temperature,
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

    def _backward(self, micro_batches: list[MicroBatch]) -> float:
        """Adds this process's share of the gradient to the parameters, and returns the loss of all processes."""
        projector = self.state.projector.train()

        def encode(part: int) -> tuple[Tensor, Tensor]:
            batch = micro_batches[part].to(self.processes.device)
            torch.manual_seed(_dropout_seed(self.settings.seed, self.state.step, self.processes.rank, part))
            dtype = _AUTOCAST.get(self.runtime.precision)
            with torch.autocast(self.processes.device.type, dtype, enabled=dtype is not None):
                return self._encode_image(**batch.images), self._encode_text(*batch.texts)

        def loss_of(images: Tensor, texts: Tensor) -> Tensor:
            return contrastive_loss(images, texts, projector.logit_scale, projector.logit_bias, self.settings.loss)

        share = accumulate_gradients(encode, len(micro_batches), loss_of, self.state.scaler.scale)
        return self.processes.sum(share.item())

    def _end_epoch(self, validate: Validate | None) -> dict[str, float]:
        state, settings = self.state, self.settings
        if settings.require_progress:
            check_progress(
                [row["train_loss"] for row in state.history],
                chance=chance_loss(settings.loss, self.batches.size),
                warmup_steps=settings.warmup_steps,
                window=self.steps_per_epoch,
            )
        last = state.history[-1]
        due = last["epoch"] % settings.validate_every_epochs == 0 or state.step == self.total_steps
        if validate is None or not due:
            return {}
        with torch.no_grad():
            metrics = validate(state.projector.eval())
        check_metrics(metrics, state.step)
        return {f"validation_{name}": float(value) for name, value in metrics.items()}

    def _stop(self, journal: Journal | None) -> None:
        if journal is not None:
            journal.stop()
        self.processes.wait()  # torchrun ends the others as soon as one has ended
        raise SystemExit(EXIT_STATUS)

    def _flops_of_a_step(self) -> int:
        """Returns the operations of a step: those of the first pairs of the first batch for all, and the loss."""
        rows = [rows[:_PAIRS_TO_COUNT] for rows in next(self.batches.rows(0))]
        projector, size = self.state.projector, self.batches.size
        counted = count_projector_flops(projector, self.batches.collate(*rows).to(self.processes.device))
        return counted * size // len(rows[0]) + loss_flops(size, projector.config.embed_dim, self.settings.loss)


def _dropout_seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
