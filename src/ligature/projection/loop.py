"""The training loop of a projector."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ligature.errors import ParamsError
from ligature.projection.batches import Batches, MicroBatch
from ligature.projection.config import ProjectorConfig
from ligature.projection.features import PairedFeatures
from ligature.projection.flops import count_projector_flops, loss_flops
from ligature.projection.preparation import hash_pairs, select_pairs
from ligature.projection.projector import Projector
from ligature.projection.settings import TrainSettings
from ligature.training.contrastive import ContrastiveLoop
from ligature.training.distributed import Processes
from ligature.training.health import chance_loss
from ligature.training.losses import contrastive_loss
from ligature.training.optimisation import make_optimizer
from ligature.training.runtime import Runtime

_PAIRS_TO_COUNT = 16


class ProjectionLoop(ContrastiveLoop[MicroBatch]):
    """One training of a projector in progress, in one of its processes."""

    settings: TrainSettings

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
        self.batches = Batches(self.data, settings)
        torch.manual_seed(settings.seed)
        projector = Projector(config).to(processes.device)
        optimizer = make_optimizer(projector, settings.weight_decay)
        unit = settings.loss.group or 1
        super().__init__(projector, optimizer, len(self.data.images), settings, runtime, processes, unit=unit)
        self._encode_image, self._encode_text = projector.encode_image, projector.encode_text
        if runtime.compiled:
            # with PyTorch's own dropout masks, so that compiling changes results by rounding alone
            self._encode_image = torch.compile(self._encode_image, options={"fallback_random": True})
            self._encode_text = torch.compile(self._encode_text, options={"fallback_random": True})

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results: config, settings, precision and a hash of the data."""
        decisive = self.settings.decisive() | {"precision": self.runtime.precision, "data": hash_pairs(self.data)}
        return asdict(self.state.model.config) | decisive

    @property
    def chance(self) -> float:
        """The loss of logits without any information."""
        return chance_loss(self.settings.loss, self.batch_size)

    def load(self, first_step: int) -> Iterator[list[MicroBatch]]:
        """Yields the features of this process's share of every step."""
        return self.batches.load(first_step, self.share, self.runtime.micro_batch, self.processes.device)

    def encode(self, part: MicroBatch) -> tuple[Tensor, Tensor]:
        """Projects the features of a micro-batch."""
        batch = part.to(self.processes.device)
        return self._encode_image(**batch.images), self._encode_text(*batch.texts)

    def loss(self, images: Tensor, texts: Tensor, parts: list[MicroBatch]) -> Tensor:
        """Returns this process's share of the contrastive loss."""
        projector = self.state.model
        return contrastive_loss(images, texts, projector.logit_scale, projector.logit_bias, self.settings.loss)

    def facts(self) -> dict[str, Any]:
        """Returns the figures of the finished training, its last metrics included."""
        sizes = {"images": len(self.data.images), "texts": len(self.data.texts)}
        return sizes | self.outcome() | {"flops": self.state.step * self._flops_of_a_step()}

    def _flops_of_a_step(self) -> int:
        """Returns the operations of a step: those of the first pairs of the first batch for all, and the loss."""
        rows = [rows[:_PAIRS_TO_COUNT] for rows in next(self.batches.rows(0))]
        projector, size = self.state.model, self.batch_size
        counted = count_projector_flops(projector, self.batches.collate(*rows).to(self.processes.device))
        return counted * size // len(rows[0]) + loss_flops(size, projector.config.embed_dim, self.settings.loss)
