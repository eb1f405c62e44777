"""The loss of AlignCLIP tile by tile, against the same loss with all logits and semantic distances in memory.

Images and texts are separated, as published. Seconds are CPU seconds (time.process_time) of forward and backward on one
thread. Every measure is taken in a process of its own; a peak is the growth of the resident set from just before the
loss, with features and libraries in place, to its highest.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Row

WIDTH, SEMANTICS = 512, 768
SMALL, LARGE = 2_048, 8_192
TARGETS = {SMALL: (0.4, 3), LARGE: (0.5, 10)}
"""Of time and of memory, by pairs; products are computed twice and distances four times."""


def inputs(pairs: int) -> list[Any]:
    """Returns unit images and texts [pairs, WIDTH] and logit scale with gradients, and unit semantic vectors."""
    import torch
    from torch.nn.functional import normalize

    torch.manual_seed(0)
    sides = [normalize(torch.randn(pairs, WIDTH)) for _ in range(2)]
    values = [value.requires_grad_() for value in (*sides, torch.tensor(2.66))]
    return [*values, normalize(torch.randn(pairs, SEMANTICS))]


def plain_loss(images: Any, texts: Any, log_scale: Any, semantics: Any) -> Any:
    import torch
    from torch.nn.functional import cross_entropy

    scale, targets = log_scale.exp(), torch.arange(len(images))
    logits = scale * images @ texts.T
    loss = cross_entropy(logits, targets) + cross_entropy(logits.T, targets)
    distances = (1 - semantics @ semantics.T).fill_diagonal_(0)
    positives = torch.diag((images * texts).sum(dim=1))
    for side in (images, texts):
        loss = loss + cross_entropy(scale * (positives + side @ side.T * distances), targets) / 2
    return loss


def our_loss(images: Any, texts: Any, log_scale: Any, semantics: Any) -> Any:
    from ligature.pretraining.losses import AlignmentSettings, alignment_loss

    return alignment_loss(images, texts, log_scale, semantics, AlignmentSettings(("image", "text")))


def forward_and_backward(loss: Callable[..., Any], values: list[Any]) -> list[Any]:
    """Returns the loss and the gradients of images, texts and scale."""
    import torch

    found = loss(*values)
    return [found.detach(), *torch.autograd.grad(found, values[:3])]


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def measure(side: str, pairs: int) -> dict[str, Any]:
    """Returns the seconds of one loss, its peak growth in bytes, its value and the norms of its gradients."""
    import torch

    torch.set_num_threads(1)
    loss = plain_loss if side == "dense" else our_loss

    forward_and_backward(loss, inputs(64))
    values = inputs(pairs)
    before, start = peak_bytes(), time.process_time()
    found = forward_and_backward(loss, values)
    seconds, peak = time.process_time() - start, peak_bytes() - before
    return {"seconds": seconds, "peak": peak, "numbers": [value.norm().item() for value in found]}


def apart(side: str, pairs: int) -> dict[str, Any]:
    """Runs ``measure`` in a process of its own with one thread."""
    command = [sys.executable, __file__, side, str(pairs)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


def compare(pairs: int) -> list[Row]:
    """Returns a row of seconds and one of bytes."""
    dense, streaming = apart("dense", pairs), apart("streaming", pairs)
    difference = max(abs(one - other) for one, other in zip(dense["numbers"], streaming["numbers"], strict=True))
    name = f"alignment loss, {pairs:,} pairs"
    note = f"{WIDTH} dims, semantic vectors of {SEMANTICS}, forward and backward"
    of_time, of_memory = TARGETS[pairs]
    return [
        Row(
            f"{name}: streaming",
            dense["seconds"],
            streaming["seconds"],
            of_time,
            difference,
            f"{note}; difference of loss and norms",
        ),
        Row(
            f"{name}: bytes at the peak",
            dense["peak"],
            streaming["peak"],
            of_memory,
            None,
            f"{note}; bytes, not seconds",
        ),
    ]


def run() -> list[Row]:
    return [row for pairs in (SMALL, LARGE) for row in compare(pairs)]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        for row in run():
            print(row.as_dict())
