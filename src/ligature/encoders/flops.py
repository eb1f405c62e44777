"""Counting the floating point operations of a forward pass; a multiply-add is two."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

T = TypeVar("T")


def _cpu_attention(query: torch.Size, key: torch.Size, value: torch.Size, *_: object, **__: object) -> int:
    """Counts fused attention on the CPU, for which torch has a formula on accelerators only."""
    return sdpa_flop_count(query, key, value)


_MORE_KERNELS = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _cpu_attention}


def count_flops(run: Callable[[], T]) -> tuple[T, int]:
    """Runs a forward pass and returns its result and the operations of its products, convolutions and attention.

    The count depends on shapes only, so it is the same on every machine. Work outside of torch counts nothing.
    A compiled model runs uncompiled here: seen by the counter first, it would never be compiled after it.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_MORE_KERNELS)
    with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"):
        warnings.filterwarnings("ignore", "Using `torch.compile", UserWarning)  # of hooks, which here are the counter's
        with counter:
            result = run()
    return result, int(counter.get_total_flops())
