"""ALIGN's mixture a few rows at a time, against the same mixture with all weights in memory, forward and backward.

Seconds are CPU seconds (time.process_time) on one thread. Backward computes the logits a second time, so of seven
products with the vocabulary the plain form saves one. Every peak of memory is taken in a process of its own, as the
growth of the resident set from just before the mixture, with its arguments and libraries in place, to its highest; the
gradients of W2 and of the table, which are as large as these in either form, are taken off. What a form keeps for
backward lies there while the language model runs.
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

LARGE, SMALL = (832, 49_280, 960), (16 * 64, 4_000, 64)
"""Tokens, vocabulary and width: an image of 13 tiles with SmolLM2-360M, and a batch of a small study."""
TIME_TARGET, PEAK_TARGET, KEPT_TARGET = 0.6, 2, 50

Shape = tuple[int, int, int]


def inputs(shape: Shape) -> list[Any]:
    """Returns queries, W2, embedding table, and gain and bias of the norm, all with gradients."""
    import torch

    tokens, vocabulary, width = shape
    torch.manual_seed(0)
    drawn = [torch.randn(tokens, width), *(torch.randn(vocabulary, width).mul_(0.05) for _ in range(2))]
    return [each.requires_grad_() for each in (*drawn, torch.ones(vocabulary), torch.zeros(vocabulary))]


def form_of(side: str) -> Callable[..., Any]:
    from ligature.captioning.connectors import align_mixture, align_mixture_plain

    return align_mixture_plain if side == "plain" else align_mixture


def forward_and_backward(form: Callable[..., Any], values: list[Any]) -> list[Any]:
    """Returns the mixtures and the gradients of all arguments."""
    import torch

    mixed = form(*values)
    return [mixed.detach(), *torch.autograd.grad(mixed, values, torch.linspace(-1, 1, mixed.numel()).view_as(mixed))]


def timed(form: Callable[..., Any], values: list[Any], repeats: int) -> tuple[float, list[Any]]:
    """Returns the CPU seconds of the shortest run, and what the last returned."""
    seconds, found = float("inf"), []
    for _ in range(repeats):
        found.clear()
        start = time.process_time()
        found = forward_and_backward(form, values)
        seconds = min(seconds, time.process_time() - start)
    return seconds, found


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def kept_bytes(form: Callable[..., Any], values: list[Any]) -> int:
    """Returns the memory that is held for backward, the arguments but the queries left out."""
    import torch

    sizes = {}

    def note(tensor: Any) -> Any:
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        form(*values)
    own = {value.untyped_storage().data_ptr() for value in values[1:]}
    return sum(size for place, size in sizes.items() if place not in own)


def measure(side: str, shape: Shape) -> dict[str, float]:
    """Returns peak and kept bytes of one form, and its seconds."""
    import torch

    torch.set_num_threads(1)
    form, values = form_of(side), inputs(shape)
    forward_and_backward(form, inputs((4, 100, 8)))
    before = peak_bytes()
    seconds, _ = timed(form, values, 1)
    peak = peak_bytes() - before - 2 * values[1].nbytes
    return {"seconds": seconds, "peak": peak, "kept": kept_bytes(form, values)}


def apart(side: str, shape: Shape) -> dict[str, float]:
    """Runs ``measure`` in a process of its own with one thread."""
    command = [sys.executable, __file__, side, *map(str, shape)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def rows_of(shape: Shape, repeats: int) -> list[Row]:
    """Returns seconds, peak and kept bytes of both forms."""
    values = inputs(shape)
    (plain, wanted), (fast, found) = (timed(form_of(side), values, repeats) for side in ("plain", "streamed"))
    difference = max((one - other).abs().max().item() for one, other in zip(found, wanted, strict=True))
    plain_memory, streamed = (apart(side, shape) for side in ("plain", "streamed"))
    plain, fast = min(plain, plain_memory["seconds"]), min(fast, streamed["seconds"])
    size = "{:,} tokens x {:,} embeddings x {} dims".format(*shape)
    time_note = f"{size}, forward and backward; difference of mixtures and gradients"
    note = f"{size}; bytes, not seconds"
    return [
        Row(f"ALIGN streamed, {shape[0]:,} x {shape[1]:,}", plain, fast, TIME_TARGET, difference, time_note),
        Row("ALIGN: bytes at the peak", plain_memory["peak"], streamed["peak"], PEAK_TARGET, None, note),
        Row("ALIGN: bytes kept for backward", plain_memory["kept"], streamed["kept"], KEPT_TARGET, None, note),
    ]


def run() -> list[Row]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [*rows_of(LARGE, 1), *rows_of(SMALL, 5)]
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        print(json.dumps(measure(sys.argv[1], tuple(map(int, sys.argv[2:])))))
    else:
        for row in run():
            print(row.as_dict())
