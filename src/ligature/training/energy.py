"""The energy that a machine says it has used: RAPL counters of processors, NVML counters of GPUs."""

from pathlib import Path
from typing import Any

import torch

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Joules since its creation, of all processors of this machine and of the GPUs that the training uses.

    The counters of processors run over after some minutes, so ``update`` must be called more often than that.

    Attributes:
        cpu_joules: of processor packages (Intel and AMD through Linux powercap), whatever ran on them; None where
            the machine does not tell, or tells only its administrator.
        gpu_joules: of the GPUs ``devices``; None without NVML.
    """

    def __init__(self, devices: range = range(0), powercap: Path = POWERCAP) -> None:
        """Reads all counters for the first time."""
        readings = {package: _microjoules(package) for package in _packages(powercap)}
        self._packages = {package: reading for package, reading in readings.items() if reading is not None}
        self._gpus = _gpu_handles(devices)
        self._gpu_start = _millijoules(self._gpus)
        self.cpu_joules: float | None = 0.0 if self._packages else None
        self.gpu_joules: float | None = None if self._gpu_start is None else 0.0

    def update(self) -> None:
        """Reads all counters and adds what has been used since the last time."""
        for package, before in self._packages.items():
            now = _microjoules(package)
            if now is None:
                continue
            run_over = int((package / "max_energy_range_uj").read_text(encoding="utf-8")) if now < before else 0
            self.cpu_joules += (now - before + run_over) / 1e6
            self._packages[package] = now
        total = _millijoules(self._gpus)
        if self._gpu_start is not None and total is not None:
            self.gpu_joules = (total - self._gpu_start) / 1e3


def _packages(powercap: Path) -> list[Path]:
    """Returns the zones of whole processors; their parts, and the whole platform, would count twice."""
    zones = sorted(zone for zone in powercap.glob("intel-rapl:*") if zone.name.count(":") == 1)
    return [zone for zone in zones if (zone / "name").read_text(encoding="utf-8").startswith("package")]


def _microjoules(package: Path) -> int | None:
    """Returns what the counter shows, or None where this user may not read it."""
    try:
        return int((package / "energy_uj").read_text(encoding="utf-8"))
    except OSError:
        return None


def _gpu_handles(devices: range) -> list[Any]:
    if not devices:
        return []
    try:
        import pynvml
    except ModuleNotFoundError:
        return []
    try:
        pynvml.nvmlInit()
        ids = [torch.cuda.get_device_properties(device).uuid for device in devices]
        return [pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}") for uuid in ids]
    except pynvml.NVMLError:
        return []


def _millijoules(gpus: list[Any]) -> int | None:
    """Returns what the GPUs have used since their driver was loaded, or None where they do not tell."""
    if not gpus:
        return None
    import pynvml

    try:
        return sum(pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) for gpu in gpus)
    except pynvml.NVMLError:
        return None
