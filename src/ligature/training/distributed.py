"""Training on several processes, as torchrun starts them: who has which pairs, and sums over all."""

import atexit
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from ligature.errors import ParamsError, TrainingError

BUCKET_ELEMENTS = 1 << 24
"""Gradients that are summed in one message: 64 MB of float32."""
PATIENCE = timedelta(hours=2)
"""How long a process waits for the others, for example while the first one validates."""


@dataclass(frozen=True)
class Processes:
    """The processes of one training, as one of them sees them.

    Gradients are summed by a plain all-reduce after the backward pass. PyTorch's DDP wrapper would start a reduction
    in every backward pass; with accumulation a step has several, over encoders that are called part by part, and
    the loss already is a sum over processes where DDP would average.

    Attributes:
        device: where this process computes.
        rank: its number, from 0.
        size: how many there are.
    """

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes, validates and shows progress."""
        return self.rank == 0

    def share(self, total: int, unit: int = 1) -> slice:
        """Returns this process's contiguous part of ``total`` pairs, in whole units of ``unit`` pairs.

        Raises:
            ParamsError: if the units do not divide the pairs or do not suffice for all processes.
        """
        units = total // unit
        if total % unit or units < self.size:
            raise ParamsError(
                f"a batch of {total} pairs in groups of {unit} cannot be shared by {self.size} processes: "
                "change batch_size or loss.group, or start fewer processes"
            )
        return slice(units * self.rank // self.size * unit, units * (self.rank + 1) // self.size * unit)

    def sum(self, value: float) -> float:
        """Returns the sum of every process's ``value``."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.item()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replaces the gradients by their sums over processes, many in one message."""
        if self.size == 1:
            return
        for bucket in _buckets([parameter.grad for parameter in parameters if parameter.grad is not None]):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            distributed.all_reduce(flat)
            for gradient, total in zip(bucket, flat.split([part.numel() for part in bucket]), strict=True):
                gradient.copy_(total.view_as(gradient))

    def check_equal(self, value: str) -> None:
        """Makes sure that all processes give the same value, for example a hash of what they start from.

        Raises:
            TrainingError: naming the first process that differs.
        """
        values = [""] * self.size
        distributed.all_gather_object(values, value)
        for rank, other in enumerate(values):
            if other != values[0]:
                raise TrainingError(
                    f"process {rank} starts from other weights, data or settings than process 0: give all processes "
                    "the same files, and a run folder that all of them see"
                )

    def wait(self) -> None:
        """Returns when every process has come here."""
        if self.size > 1:
            distributed.barrier()


def join_processes(device: str) -> Processes:
    """Joins the processes that torchrun started, once a process; alone where it did not.

    They talk through gloo on CPU and NCCL on CUDA.

    Raises:
        ParamsError: if WORLD_SIZE asks for several processes and torchrun's other variables are missing.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Processes(torch.device(device))
    missing = {"RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"} - os.environ.keys()
    if missing:
        raise ParamsError(f"WORLD_SIZE is {size}, but {min(missing)} is missing: start the training with torchrun")
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return Processes(place, distributed.get_rank(), size)


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    bucket, elements = [], 0
    for gradient in gradients:
        if bucket and elements + gradient.numel() > BUCKET_ELEMENTS:
            yield bucket
            bucket, elements = [], 0
        bucket.append(gradient)
        elements += gradient.numel()
    if bucket:
        yield bucket
