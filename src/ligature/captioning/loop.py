"""The loop of one stage of a vision-language model's training."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW

from ligature.captioning.batches import CaptionBatch, CaptionBatches
from ligature.captioning.features import ViewFeatures
from ligature.captioning.flops import count_sample_flops
from ligature.captioning.language import embedding_table
from ligature.captioning.model import PARTS, VisionLanguageModel
from ligature.captioning.samples import CaptionData
from ligature.captioning.settings import StageSettings
from ligature.captioning.token_loop import TokenLoop
from ligature.training.distributed import Processes
from ligature.training.optimisation import parameter_groups
from ligature.training.runtime import Runtime


class CaptionLoop(TokenLoop[CaptionBatch]):
    """One stage in progress, in one of its processes."""

    settings: StageSettings

    def __init__(
        self,
        model: VisionLanguageModel,
        data: CaptionData,
        features: ViewFeatures,
        settings: StageSettings,
        runtime: Runtime,
        processes: Processes,
        *,
        before: str = "",
    ) -> None:
        """Makes the optimizer of the parts that the stage trains.

        Args:
            model: on the device of the process, with ``set_trained`` called for the stage.
            data: images and captions.
            features: what is seen of the images of ``data``.
            settings: of the stage.
            runtime: precision and micro-batches.
            processes: that share every batch.
            before: hash of all that the model comes from.

        Raises:
            ParamsError: if settings, data and the number of processes do not fit together.
        """
        self.data, self.before = data, before
        self.batches = CaptionBatches(data, features, model.chat, settings)
        super().__init__(model, _make_optimizer(model, settings), len(data), settings, runtime, processes)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results: settings, precision, hashes of the data and of what the model comes from."""
        decisive = self.settings.decisive() | {"precision": self.runtime.precision}
        return decisive | {"data": self.data.hash, "model": self.before}

    @property
    def chance(self) -> float:
        """The loss of the same probability for every token."""
        return math.log(len(embedding_table(self.state.model.language)))

    def load(self, first_step: int) -> Iterator[list[CaptionBatch]]:
        """Yields what this process's share of every step is computed from."""
        return self.batches.load(first_step, self.share, self.runtime.micro_batch, self.processes.device)

    def token_loss(self, part: CaptionBatch) -> Tensor:
        """Returns the sum of the cross entropies of the labelled tokens."""
        return summed_loss(self.state.model, self.batches.features, part)

    def backward(self, parts: list[CaptionBatch]) -> float:
        """Adds this process's share of the gradient to the parameters, and returns its share of the loss."""
        if self.runtime.checkpoint_activations:
            for module in self.state.model.language.modules():
                module.training |= getattr(module, "gradient_checkpointing", False)  # frozen blocks compute again, too
        return super().backward(parts)

    def step(self, parts: list[CaptionBatch]) -> dict[str, Any]:
        """Takes one step and returns its row of the history, which counts the captions that were cut."""
        cut = self.processes.sum(sum(part.cut for part in parts))
        return super().step(parts) | {"cut_captions": int(cut)}

    def facts(self) -> dict[str, Any]:
        """Returns the figures of the finished stage, its last metrics included."""
        data = {"images": len(self.data), "pairs": len(self.data.captions)}
        cut = {"cut_captions": sum(row["cut_captions"] for row in self.state.history)}
        return data | cut | self.outcome() | {"flops": self._flops()}

    def _flops(self) -> int:
        """Returns the operations of the stage, all samples as the middle one of the first batch; each frozen feature
        counts once.
        """
        pixels, packed = self.batches.typical_sample(self.processes.device)
        sample, features = count_sample_flops(self.state.model, pixels, packed)
        return self.state.step * self.batch_size * sample + len(self.data) * features


def summed_loss(model: VisionLanguageModel, features: ViewFeatures, part: CaptionBatch) -> Tensor:
    """Returns the sum over the labelled tokens of some pairs of their cross entropies, a scalar in float32."""
    batch = part.to(model.device)
    packed, visual = batch.packed, model.visual_tokens(features.encode(batch.seen))
    logits = model.logits(packed.tokens, packed.attention, visual, packed.views, packed.keep)[:, :-1]
    targets = batch.targets[:, batch.targets.shape[1] - logits.shape[1] :]
    return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="sum")


def _make_optimizer(model: VisionLanguageModel, settings: StageSettings) -> AdamW:
    """Returns AdamW over the trained parts, each with its share of the learning rate."""
    groups = [
        group | {"share": settings.shares[part]}
        for part in PARTS
        if part in settings.learning_rates
        for group in parameter_groups(getattr(model, part), settings.weight_decay)
    ]
    return AdamW(groups, lr=0.0, fused=True)
