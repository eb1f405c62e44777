"""The account of a training's compute: time, waiting, speed, memory and energy, added up over resumed runs."""

import json
import os
import platform
import resource
import time
from pathlib import Path
from typing import Any

import torch

from ligature.errors import TrainingError
from ligature.store.atomic import write_json
from ligature.training.distributed import Processes
from ligature.training.energy import POWERCAP, EnergyMeter

SECONDS_BETWEEN_READINGS = 10.0


class ComputeLedger:
    """What one training has cost so far. Figures are those of process 0 and its machine; they are no results.

    Attributes:
        waited: seconds of this run in which features were waited for; its user keeps it up to date.
    """

    def __init__(self, path: Path, *, resumed: bool, processes: Processes, precision: str, powercap: Path = POWERCAP):
        """Starts the clock; a ``resumed`` training goes on from what stands in ``path``.

        Raises:
            TrainingError: if that file is no account.
        """
        self.path, self.waited = path, 0.0
        self._before = _read(path) if resumed and path.is_file() else {}
        self._device, self._processes, self._precision = processes.device, processes.size, precision
        self._steps = self._samples = 0
        gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if self._device.type == "cuda" else 0
        first = 0 if gpus > 1 else self._device.index or 0
        self._energy = EnergyMeter(range(first, first + gpus), powercap)
        self._start = self._last_reading = time.monotonic()

    def add_step(self, samples: int) -> None:
        """Counts one step over ``samples`` pairs."""
        self._steps += 1
        self._samples += samples
        if time.monotonic() - self._last_reading >= SECONDS_BETWEEN_READINGS:
            self._last_reading = time.monotonic()
            self._energy.update()

    def write(self) -> None:
        """Writes the account, in place of the one before."""
        write_json(self.path, self.figures())

    def figures(self) -> dict[str, Any]:
        """Returns the account; seconds are of the clock, memory is the highest of process 0."""
        self._energy.update()
        seconds = self._total("seconds", time.monotonic() - self._start)
        waited = self._total("seconds_waiting_for_data", self.waited)
        steps, samples = self._total("steps", self._steps), self._total("samples", self._samples)
        return {
            "seconds": seconds,
            "seconds_waiting_for_data": waited,
            "share_waiting_for_data": waited / seconds,
            "steps": steps,
            "samples": samples,
            "steps_per_second": steps / seconds,
            "samples_per_second": samples / seconds,
            "device": _device_name(self._device),
            "processes": self._processes,
            "precision": self._precision,
            "peak_memory_bytes": max(_peak_memory(self._device), self._before.get("peak_memory_bytes", 0)),
            "cpu_energy_joules": self._total("cpu_energy_joules", self._energy.cpu_joules),
            "gpu_energy_joules": self._total("gpu_energy_joules", self._energy.gpu_joules),
        }

    def _total(self, key: str, value: float | None) -> float | None:
        """Returns the sum with the runs before; unknown if it is unknown for one of them."""
        before = self._before.get(key, 0)
        return None if value is None or before is None else before + value


def _read(path: Path) -> dict[str, Any]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        if not all(figures[key] >= 0 for key in ("seconds", "seconds_waiting_for_data", "steps", "samples")):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} is no account of a training's compute: delete it and start again") from error
    return figures


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
