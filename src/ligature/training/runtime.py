"""How a training runs on a machine: choices that change its speed and memory, not what is learned."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch

from ligature.errors import ParamsError

Precision = Literal["float32", "bfloat16", "float16"]
TrackerName = Literal["tensorboard", "dvclive", "wandb"]


@dataclass(frozen=True)
class Runtime:
    """The runtime of one training. Results depend on it by rounding alone, dropout masks aside.

    Attributes:
        device: where to train, such as ``cpu`` or ``cuda``; under torchrun each process takes its own GPU.
        precision: ``bfloat16`` and ``float16`` run the blocks under autocast, ``float16`` with a gradient scaler and
            on CUDA only; weights and loss stay float32.
        micro_batch: pairs that are encoded at once; None encodes all pairs of a process at once. The negatives are
            those of the whole batch either way; every micro-batch has a dropout mask of its own.
        compiled: whether the model runs through ``torch.compile``.
        checkpoint_activations: whether encoders in training keep the inputs of their blocks alone and run them again
            in the backward pass: a third more time, a fraction of the memory. Projectors take no notice of it.
        prefetch: steps whose features are read ahead in the background; 0 reads them when they are needed.
        trackers: which of ``tensorboard``, ``dvclive`` and ``wandb`` are told of every step.
        log_folder: takes a folder for every tracker and ``compute.json``; it belongs to this training alone, and one
            that starts anew deletes them. None writes neither.

    Raises:
        ParamsError: for a value that is unknown, out of range, or impossible on the device.
    """

    device: str = "cpu"
    precision: Precision = "float32"
    micro_batch: int | None = None
    compiled: bool = False
    checkpoint_activations: bool = False
    prefetch: int = 2
    trackers: tuple[TrackerName, ...] = ()
    log_folder: Path | None = None

    def __post_init__(self) -> None:
        """Checks every value."""
        device = _checked_device(self.device)
        if self.precision not in get_args(Precision):
            raise ParamsError(f"precision is {self.precision!r}: use one of {', '.join(get_args(Precision))}")
        if self.precision == "float16" and device.type != "cuda":
            raise ParamsError(f"precision is float16, but the device is {self.device}: use bfloat16, or a CUDA GPU")
        if self.compiled and device.type == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
            raise ParamsError("compiled needs a C++ compiler: install g++ or name yours in CXX, or leave compiled out")
        if self.micro_batch is not None and self.micro_batch < 1:
            raise ParamsError(f"micro_batch is {self.micro_batch}: it is at least 1")
        if self.prefetch < 0:
            raise ParamsError(f"prefetch is {self.prefetch}: it is at least 0")
        for name in self.trackers:
            if name not in get_args(TrackerName):
                raise ParamsError(f"tracker {name!r} is unknown: use some of {', '.join(get_args(TrackerName))}")
        if self.trackers and self.log_folder is None:
            raise ParamsError(f"tracker {self.trackers[0]!r} has no log_folder to write to: give one")


def _checked_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ParamsError(f"device {name!r} is unknown: use cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ParamsError(f"device is {name!r}, but torch sees no CUDA GPU here: use cpu")
    return device
