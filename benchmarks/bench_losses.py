"""The contrastive losses tile by tile, against the same losses with all logits in memory.

Seconds are CPU seconds (time.process_time) of forward and backward on one thread, the shorter of two runs. Every peak
of memory is taken in a process of its own, as the growth of the resident set from just before the loss, with features
and libraries in place, to its highest. Dense InfoNCE over 32,768 pairs is not run, since it does not fit beside other
work on a small machine: its peak is that of 8,192 pairs times 16, as all of it but the features grows with the square.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from harness import Row

WIDTH = 256
SMALL, MIDDLE, LARGE = 2_048, 8_192, 32_768
TARGET = 0.6  # a product computed a second time costs a third more
LOSSES = {"infonce": "InfoNCE", "siglip": "SigLIP"}


def inputs(pairs: int) -> list[Any]:
    """Returns unit images and texts [pairs, WIDTH], logit scale and bias, all with gradients."""
    import torch

    torch.manual_seed(0)
    sides = [torch.nn.functional.normalize(torch.randn(pairs, WIDTH)) for _ in range(2)]
    return [value.requires_grad_() for value in (*sides, torch.tensor(2.66), torch.tensor(-10.0))]


def plain_infonce(images: Any, texts: Any, scale: Any, bias: Any) -> Any:
    import torch
    from torch.nn import functional

    logits = scale.exp() * images @ texts.T
    targets = torch.arange(len(logits))
    return (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2


def plain_siglip(images: Any, texts: Any, scale: Any, bias: Any) -> Any:
    import torch
    from torch.nn import functional

    logits = scale.exp() * images @ texts.T + bias
    signs = 2 * torch.eye(len(logits)) - 1
    return -functional.logsigmoid(signs * logits).sum() / len(logits)


def loss_of(kind: str, dense: bool) -> Callable[..., Any]:
    """Returns the plain or the streaming loss of that kind."""
    if dense:
        return plain_infonce if kind == "infonce" else plain_siglip
    from ligature.training.losses import LossSettings, contrastive_loss

    return partial(contrastive_loss, settings=LossSettings(kind))


def forward_and_backward(loss: Callable[..., Any], values: list[Any]) -> list[Any]:
    """Returns the loss and the gradients of images, texts and scale."""
    import torch

    found = loss(*values)
    return [found.detach(), *torch.autograd.grad(found, values[:3])]


def shorter(loss: Callable[..., Any], values: list[Any]) -> tuple[float, list[Any]]:
    """Returns the CPU seconds of the shorter of two runs, and what the last returned."""
    seconds, found = float("inf"), []
    for _ in range(2):
        start = time.process_time()
        found = forward_and_backward(loss, values)
        seconds = min(seconds, time.process_time() - start)
    return seconds, found


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def kept_bytes(loss: Callable[..., Any], values: list[Any]) -> int:
    """Returns the memory that is held for backward, the arguments left out."""
    import torch

    sizes = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss(*values)
    own = {value.untyped_storage().data_ptr() for value in values}
    return sum(size for place, size in sizes.items() if place not in own)


def measure(kind: str, side: str, pairs: int) -> dict[str, float]:
    """Returns the peak growth of one loss in bytes, what it keeps for backward in bytes, and its seconds."""
    import torch

    torch.set_num_threads(1)
    loss, values = loss_of(kind, side == "dense"), inputs(pairs)
    forward_and_backward(loss, inputs(64))
    before, start = peak_bytes(), time.process_time()
    forward_and_backward(loss, values)
    facts = {"seconds": time.process_time() - start, "peak": peak_bytes() - before}
    return facts | {"kept": kept_bytes(loss, values) if pairs <= MIDDLE else 0}


def apart(kind: str, side: str, pairs: int) -> dict[str, float]:
    """Runs ``measure`` in a process of its own with one thread."""
    command = [sys.executable, __file__, kind, side, str(pairs)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


def timed(kind: str, pairs: int) -> Row:
    values = inputs(pairs)
    plain, wanted = shorter(loss_of(kind, True), values)
    fast, found = shorter(loss_of(kind, False), values)
    difference = max((one - other).abs().max().item() for one, other in zip(found, wanted, strict=True))
    note = f"{pairs:,} pairs x {WIDTH} dims, forward and backward; difference of loss and gradients"
    return Row(f"losses: streaming {LOSSES[kind]}, {pairs:,} pairs", plain, fast, TARGET, difference, note)


def memory(kind: str) -> tuple[float, list[Row]]:
    """Returns the dense peak at 8,192 pairs in bytes, and rows of what both forms keep and reach there."""
    dense, streaming = apart(kind, "dense", MIDDLE), apart(kind, "streaming", MIDDLE)
    name, note = LOSSES[kind], f"{MIDDLE:,} pairs x {WIDTH} dims; bytes, not seconds"
    return dense["peak"], [
        Row(f"losses: bytes kept for backward, {name}", dense["kept"], streaming["kept"], 10, None, note),
        Row(f"losses: bytes at the peak, {name}", dense["peak"], streaming["peak"], 10, None, note),
    ]


def large(dense_peak: float) -> Row:
    """Returns the bytes of streaming InfoNCE over 32,768 pairs against those that the dense loss would take."""
    streaming = apart("infonce", "streaming", LARGE)
    note = (
        f"{LARGE:,} pairs x {WIDTH} dims; bytes, not seconds; streaming took {streaming['seconds']:.1f} s; plain: "
        f"{dense_peak / MIDDLE**2:.1f} bytes a logit, as measured at {MIDDLE:,} pairs, times {LARGE:,} squared"
    )
    plain = dense_peak * (LARGE // MIDDLE) ** 2
    return Row(f"losses: bytes at the peak, InfoNCE, {LARGE:,} pairs", plain, streaming["peak"], 40, None, note)


def run() -> list[Row]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = [timed(kind, pairs) for kind in LOSSES for pairs in (SMALL, MIDDLE)]
        (dense_peak, softmax), (_, sigmoid) = memory("infonce"), memory("siglip")
        return [*times, *softmax, *sigmoid, large(dense_peak)]
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        for row in run():
            print(row.as_dict())
