"""The training loop of a pair of encoders."""

from collections.abc import Iterator
from functools import cached_property, partial
from math import ceil
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from ligature.encoders.contrastive.config import ContrastiveConfig
from ligature.encoders.contrastive.flops import count_pair_flops
from ligature.encoders.contrastive.lengths import encode_by_length
from ligature.encoders.contrastive.model import ContrastiveModel
from ligature.encoders.contrastive.tokenizer import CaptionTokenizer
from ligature.errors import ParamsError
from ligature.pretraining.batches import PairBatch, PairBatches
from ligature.pretraining.flops import alignment_flops
from ligature.pretraining.losses import alignment_loss, chance_alignment_loss
from ligature.pretraining.pairs import ImageTextPairs, count_cut
from ligature.pretraining.settings import PretrainSettings
from ligature.store.hashing import hash_values
from ligature.training.contrastive import ContrastiveLoop
from ligature.training.distributed import Processes
from ligature.training.optimisation import make_optimizer
from ligature.training.runtime import Runtime


class PretrainingLoop(ContrastiveLoop[PairBatch]):
    """One training of a pair of encoders in progress, in one of its processes."""

    settings: PretrainSettings

    def __init__(
        self,
        config: ContrastiveConfig,
        pairs: ImageTextPairs,
        tokenizer: CaptionTokenizer,
        settings: PretrainSettings,
        runtime: Runtime,
        processes: Processes,
        *,
        workers: int = 1,
    ) -> None:
        """Initialises the model from the seed.

        Raises:
            ParamsError: if config, tokenizer, settings, pairs and the number of processes do not fit together.
        """
        _check_fit(config, pairs, tokenizer, settings)
        self.pairs, self.tokenizer = pairs, tokenizer
        self.batches = PairBatches(pairs, tokenizer, settings, config.image_size, settings.crop, workers=workers)
        torch.manual_seed(settings.seed)
        model = ContrastiveModel(config).to(processes.device)
        model.gradient_checkpointing = runtime.checkpoint_activations
        optimizer = make_optimizer(model, settings.weight_decay, betas=settings.betas, eps=settings.eps)
        super().__init__(model, optimizer, len(pairs), settings, runtime, processes)
        self._encode_image = model.encode_image
        self._encode_text = partial(encode_by_length, model.encode_text, end_token=config.end_token)
        if runtime.compiled:
            self._encode_image, self._encode_text = torch.compile(model.encode_image), torch.compile(model.encode_text)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """All that decides the results: config, settings, precision and hashes of data and tokenizer."""
        decisive = self.settings.decisive() | {"precision": self.runtime.precision}
        hashes = {"data": _hash_data(self.pairs), "tokenizer": self.tokenizer.hash}
        return self.state.model.config.to_dict() | decisive | hashes

    @property
    def chance(self) -> float:
        """The loss of logits without any information."""
        return chance_alignment_loss(self.settings.loss, self.batch_size)

    def load(self, first_step: int) -> Iterator[list[PairBatch]]:
        """Yields the pixels and tokens of this process's share of every step."""
        return self.batches.load(first_step, self.share, self.runtime.micro_batch, self.processes.device)

    def encode(self, part: PairBatch) -> tuple[Tensor, Tensor]:
        """Encodes the images and texts of a micro-batch."""
        batch = part.to(self.processes.device)
        return self._encode_image(batch.pixels), self._encode_text(batch.tokens)

    def loss(self, images: Tensor, texts: Tensor, parts: list[PairBatch]) -> Tensor:
        """Returns this process's share of the loss."""
        semantics = None
        if parts[0].semantics is not None:
            semantics = torch.cat([part.semantics for part in parts]).to(images.device)
        return alignment_loss(images, texts, self.state.model.logit_scale, semantics, self.settings.loss)

    def facts(self) -> dict[str, Any]:
        """Returns the figures of the finished training, its last metrics included."""
        cut, longest = count_cut(self.pairs, self.tokenizer)
        texts = {"texts": len(self.pairs.captions), "cut_texts": cut, "longest_text": longest}
        flops = {"flops": self.state.step * self._flops_of_a_step()}
        return {"images": len(self.pairs)} | texts | self.outcome() | flops

    def _flops_of_a_step(self) -> int:
        """Returns the operations of a step, texts as long as the mean of the first step's."""
        pairs, loss, size = self.pairs, self.settings.loss, self.batch_size
        texts = [pairs.captions[row] for row in pairs.sample_epoch(self.settings.seed, 0)[1][:size]]
        longest = self.tokenizer.context_length
        length = ceil(fmean(min(length, longest) for length in self.tokenizer.lengths(texts)))
        model, semantic_width = self.state.model, 0 if pairs.semantics is None else pairs.semantics.shape[1]
        counted = alignment_flops(size, model.config.embed_dim, semantic_width, loss)
        return size * count_pair_flops(model, length) + counted


def _check_fit(
    config: ContrastiveConfig, pairs: ImageTextPairs, tokenizer: CaptionTokenizer, settings: PretrainSettings
) -> None:
    for key in ("vocabulary_size", "context_length", "end_token", "pad_token", "hash"):
        ours, theirs = getattr(config, "tokenizer_hash" if key == "hash" else key), getattr(tokenizer, key)
        if ours != theirs:
            raise ParamsError(f"the config is of another tokenizer: its {key} is {ours}, the tokenizer's {theirs}")
    if settings.loss.semantic and pairs.semantics is None:
        raise ParamsError(
            f"loss.rescaling {settings.loss.rescaling!r} needs semantic vectors of the captions: give them, or set it "
            "to 'none'"
        )


def _hash_data(pairs: ImageTextPairs) -> str:
    """Returns a hash of what the pairs are said to hold, and of the mixture."""
    if pairs.mixture is None:
        return pairs.content_hash
    return hash_values([pairs.content_hash, pairs.mixture.sizes, pairs.mixture.weights])
