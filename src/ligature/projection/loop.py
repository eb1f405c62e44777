"""The training loop: every step is a function of the seed, the step and the state before it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from statistics import fmean
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ligature.progress import Progress
from ligature.projection.checkpoint import Checkpoint, TrainingState
from ligature.projection.config import ProjectorConfig
from ligature.projection.features import PairedFeatures, collate
from ligature.projection.health import check_finite, check_metrics, check_progress
from ligature.projection.loss import info_nce
from ligature.projection.optimisation import learning_rate_at, make_optimizer
from ligature.projection.preparation import hash_pairs, select_pairs
from ligature.projection.projector import Projector
from ligature.projection.settings import TrainSettings

Precision = Literal["float32", "bfloat16"]
Validate = Callable[[Projector], dict[str, float]]

_WITHOUT_EFFECT_ON_RESULTS = {"checkpoint_every_steps", "require_progress"}


class TrainingLoop:
    """One training in progress. It reseeds PyTorch's global generator at every step."""

    def __init__(
        self,
        config: ProjectorConfig,
        data: PairedFeatures,
        settings: TrainSettings,
        device: torch.device,
        precision: Precision,
    ) -> None:
        """Selects the features that ``config`` uses and initialises the projector from the seed.

        Raises:
            ParamsError: if config, settings and data do not fit together.
            DataError: if features that the config needs are missing.
        """
        self.data = select_pairs(config, data)
        self.settings, self.device, self.precision = settings, device, precision
        images = len(data.images)
        self.batch_size = min(settings.batch_size, images)
        self.steps_per_epoch = settings.steps_per_epoch(images)
        self.total_steps = settings.total_steps(images)
        torch.manual_seed(settings.seed)
        projector = Projector(config).to(device)
        self.state = TrainingState(projector, make_optimizer(projector, settings.weight_decay))

    def fingerprint(self) -> dict[str, Any]:
        """Returns all that decides the results: config, settings and a hash of the data."""
        settings = asdict(self.settings)
        decisive = {key: settings[key] for key in settings.keys() - _WITHOUT_EFFECT_ON_RESULTS}
        return asdict(self.state.projector.config) | decisive | {"data": hash_pairs(self.data)}

    def run(self, what: str, validate: Validate | None, checkpoint: Checkpoint | None) -> None:
        """Trains from the state's step to the end.

        Raises:
            TrainingError: if the loss or a metric is not finite, or if the loss does not fall.
        """
        state = self.state
        with Progress(what, self.total_steps, "steps", done=state.step) as progress:
            for image_rows, text_rows in self._batches():
                row = self._step(image_rows, text_rows)
                state.history.append(row)
                if state.step % self.steps_per_epoch == 0 or state.step == self.total_steps:
                    row.update(self._end_epoch(validate))
                if checkpoint is not None and state.step % self.settings.checkpoint_every_steps == 0:
                    checkpoint.save(state)
                progress.update(note=f"loss {row['train_loss']:.4f}")

    def facts(self) -> dict[str, Any]:
        """Returns the figures of the finished training, its last metrics included."""
        history = self.state.history
        return {
            "trainable_parameters": self.state.projector.count_parameters(),
            "images": len(self.data.images),
            "texts": len(self.data.texts),
            "steps": self.state.step,
            "samples_seen": self.state.step * self.batch_size,
            "train_loss": fmean(row["train_loss"] for row in history[-self.steps_per_epoch :]),
            "temperature": self.state.projector.temperature,
        } | {key: value for key, value in history[-1].items() if key.startswith("validation_")}

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        per_epoch, size = self.steps_per_epoch, self.batch_size
        for epoch in range(self.state.step // per_epoch, math.ceil(self.total_steps / per_epoch)):
            image_rows, text_rows = self.data.sample_epoch(self.settings.seed, epoch)
            end = min(per_epoch, self.total_steps - epoch * per_epoch)
            for index in range(self.state.step - epoch * per_epoch, end):
                rows = slice(index * size, (index + 1) * size)
                yield image_rows[rows], text_rows[rows]

    def _step(self, image_rows: np.ndarray, text_rows: np.ndarray) -> dict[str, Any]:
        state, settings = self.state, self.settings
        learning_rate = learning_rate_at(
            state.step,
            total_steps=self.total_steps,
            warmup_steps=settings.warmup_steps,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
        )
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate
        temperature = state.projector.temperature
        loss = self._loss(image_rows, text_rows, learning_rate)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.projector.clamp_temperature()
        state.step += 1
        return {
            "step": state.step,
            "epoch": math.ceil(state.step / self.steps_per_epoch),
            "train_loss": loss.item(),
            "learning_rate": learning_rate,
            "temperature": temperature,
        }

    def _loss(self, image_rows: np.ndarray, text_rows: np.ndarray, learning_rate: float) -> Tensor:
        projector = self.state.projector.train()
        images = self.data.images.collate(image_rows, self.device)
        texts = collate(self.data.texts, text_rows, self.device)
        torch.manual_seed(_dropout_seed(self.settings.seed, self.state.step))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            image_features = projector.encode_image(**images)
            text_features = projector.encode_text(*texts)
        loss = info_nce(image_features, text_features, projector.logit_scale)
        inputs = (images["cls"], images["local"], texts[0])
        check_finite(loss.item(), self.state.step + 1, learning_rate, inputs)
        return loss

    def _end_epoch(self, validate: Validate | None) -> dict[str, float]:
        state, settings = self.state, self.settings
        if settings.require_progress:
            check_progress(
                [row["train_loss"] for row in state.history],
                batch_size=self.batch_size,
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


def _dropout_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])
