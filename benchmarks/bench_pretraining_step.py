"""One step of contrastive pre-training, forward, backward and AdamW: all parts shared, against two towers as wide.

Sharing saves weights, gradients and moments, not products; so a step should take no longer, and the optimiser less.
"""

from dataclasses import replace

import torch
from torch import Tensor

from harness import Row, best_of
from ligature.encoders.contrastive import ContrastiveConfig, ContrastiveModel
from ligature.encoders.contrastive.flops import count_pair_flops
from ligature.training.losses import LossSettings, contrastive_loss
from ligature.training.optimisation import make_optimizer

PAIRS, WORDS, ROUNDS = 128, 16, 5
TIME_TARGET, MEMORY_TARGET = 0.9, 1.6
TWO_TOWERS = ContrastiveConfig(
    image_size=64,
    patch_size=16,
    width=128,
    layers=4,
    heads=4,
    text_width=128,
    text_layers=4,
    text_heads=4,
    embed_dim=128,
    context_length=32,
    vocabulary_size=2_000,
    end_token=1_999,
    pad_token=0,
)
SHARED = replace(TWO_TOWERS, shared=("blocks", "norm", "projection"))


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _rows()
    finally:
        torch.set_num_threads(threads)


class Training:
    """A model with its optimiser, on one batch."""

    def __init__(self, config: ContrastiveConfig) -> None:
        """Draws weights and then the batch, which is the same for every config."""
        torch.manual_seed(0)
        self.model = ContrastiveModel(config)
        self.optimizer = make_optimizer(self.model, 0.1)
        generator = torch.Generator().manual_seed(1)
        self.pixels = torch.randn(PAIRS, 3, config.image_size, config.image_size, generator=generator)
        self.tokens = torch.randint(1, config.end_token, (PAIRS, WORDS), generator=generator)
        self.tokens[:, -1] = config.end_token

    def loss(self) -> Tensor:
        """Returns the contrastive loss of the batch."""
        images, texts, _ = self.model(self.pixels, self.tokens)
        return contrastive_loss(images, texts, self.model.logit_scale, None, LossSettings())

    def step(self) -> None:
        """Takes one step; the learning rate is zero, which costs the same."""
        self.optimizer.zero_grad()
        self.loss().backward()
        self.optimizer.step()

    def state_bytes(self) -> int:
        """Returns the memory of weights, gradients and moments."""
        weights = list(self.model.parameters())
        moments = [value for state in self.optimizer.state.values() for value in state.values()]
        return sum(tensor.nbytes for tensor in (*weights, *(weight.grad for weight in weights), *moments))

    def kept_bytes(self) -> int:
        """Returns the memory that one forward pass holds for the backward pass, weights and inputs left out."""
        own = {tensor.untyped_storage().data_ptr() for tensor in (*self.model.parameters(), self.pixels, self.tokens)}
        sizes = {}

        def note(tensor: Tensor) -> Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = self.loss()
        del loss
        return sum(size for place, size in sizes.items() if place not in own)


def _rows() -> list[Row]:
    apart, shared = sides = Training(TWO_TOWERS), Training(SHARED)
    apart.model.load_state_dict(shared.model.state_dict())
    difference = (apart.loss() - shared.loss()).abs().item()
    times = [[best_of(side.step, 1)[0] for side in sides] for _ in range(ROUNDS)]
    apart_seconds, shared_seconds = (min(side) for side in zip(*times, strict=True))
    counts = " against ".join(f"{side.model.count_parameters():,}" for side in (shared, apart))
    size = f"{PAIRS} pairs of 64 pixels in patches of 16 and {WORDS} tokens, width 128, {TWO_TOWERS.layers} blocks"
    flops = PAIRS * count_pair_flops(shared.model, WORDS)
    note = (
        f"{size}, forward, backward and AdamW, one thread, {flops / 1e9:.1f} GFLOP in either; difference of the loss "
        f"with equal weights; kept for backward: {shared.kept_bytes() / 2**20:.0f} MiB shared, "
        f"{apart.kept_bytes() / 2**20:.0f} MiB apart"
    )
    memory = f"{counts} parameters; bytes, not seconds"
    return [
        Row("pre-training step, all shared", apart_seconds, shared_seconds, TIME_TARGET, difference, note),
        Row(
            "pre-training: weights, gradients and moments, all shared",
            apart.state_bytes(),
            shared.state_bytes(),
            MEMORY_TARGET,
            None,
            memory,
        ),
    ]


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.2f}")
