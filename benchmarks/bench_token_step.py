"""Training on tokens: one step of the projector with pooling inside the blocks, against every token projected."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from harness import Row, best_of
from ligature.projection import Projector, ProjectorConfig
from ligature.training import LossSettings, contrastive_loss

WIDTH, IMAGES, PATCHES, WORDS, ROUNDS = 1024, 8, 256, 32, 6
Encoded = tuple[Tensor, Tensor]


def run() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_step()]
    finally:
        torch.set_num_threads(threads)


def _batch() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(WORDS // 4, WORDS + 1, (IMAGES, 1), generator=generator)
    return {
        "cls": torch.randn(IMAGES, WIDTH, generator=generator),
        "local": torch.randn(IMAGES, PATCHES, WIDTH, generator=generator),
        "text": torch.randn(IMAGES, WORDS, WIDTH, generator=generator),
        "mask": torch.arange(WORDS) < lengths,
    }


def _plain(projector: Projector, batch: dict[str, Tensor]) -> Encoded:
    """The published forward: every token, padding included, through the whole block, then the mean."""
    image = projector.vision_local(batch["local"]).mean(dim=1) + projector.vision_cls(batch["cls"])
    mask = batch["mask"].unsqueeze(-1)
    text = (projector.text_local(batch["text"]) * mask).sum(dim=1) / mask.sum(dim=1)
    return functional.normalize(image, dim=-1), functional.normalize(projector.text_global(text), dim=-1)


def _fast(projector: Projector, batch: dict[str, Tensor]) -> Encoded:
    return projector.encode_image(batch["cls"], batch["local"]), projector.encode_text(batch["text"], batch["mask"])


def _saved_mebibytes(forward: Callable[[], Encoded], known: set[int]) -> float:
    """Memory that autograd keeps for backward, storage by storage, without inputs and weights."""
    sizes = {}

    def note_size(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note_size, lambda tensor: tensor):
        kept = forward()
    del kept
    return sum(size for pointer, size in sizes.items() if pointer not in known) / 2**20


def _train_step(projector: Projector, forward: Callable[[], Encoded]) -> None:
    projector.zero_grad()
    contrastive_loss(*forward(), projector.logit_scale, None, LossSettings()).backward()


def _gradients(projector: Projector, forward: Callable[[], Encoded]) -> Tensor:
    _train_step(projector, forward)
    return torch.cat([parameter.grad.flatten() for parameter in projector.parameters()])


def _step() -> Row:
    torch.manual_seed(0)
    projector, batch = Projector(ProjectorConfig(WIDTH, WIDTH, WIDTH)), _batch()
    known = {tensor.untyped_storage().data_ptr() for tensor in (*projector.parameters(), *batch.values())}
    sides = [lambda: _plain(projector, batch), lambda: _fast(projector, batch)]
    plain, fast = (_gradients(projector.eval(), side) for side in sides)
    difference = float((plain - fast).abs().max() / plain.abs().max())
    projector.train()
    times = [[best_of(lambda side=side: _train_step(projector, side), 1)[0] for side in sides] for _ in range(ROUNDS)]
    plain_seconds, fast_seconds = (min(side) for side in zip(*times, strict=True))
    plain_memory, fast_memory = (_saved_mebibytes(side, known) for side in sides)
    note = (
        f"{IMAGES} images of {PATCHES} patches and a CLS token, captions of {WORDS // 4} to {WORDS} tokens, width "
        f"{WIDTH:,}, dropout 0.1, forward and backward, one thread; difference: of gradients without dropout, relative "
        f"to the largest; kept for backward beyond features and weights: {plain_memory:.0f} MiB plain, "
        f"{fast_memory:.0f} MiB ours"
    )
    return Row("training step on tokens", plain_seconds, fast_seconds, 2.3, difference, note)


if __name__ == "__main__":
    for row in run():
        print(row, f"ratio {row.ratio:.2f}")
