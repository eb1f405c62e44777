"""The account of compute: energy counters that run over, sums over resumed runs, operations against formulas."""

import json
import sys
import time
import types
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_pairs import CONFIG, TEXT_DIM, VISION_DIM, planted_pairs

from ligature.errors import TrainingError
from ligature.projection import Projector, ProjectorConfig, TrainSettings, train
from ligature.projection.batches import MicroBatch
from ligature.projection.flops import count_projector_flops, loss_flops
from ligature.training.compute import ComputeLedger
from ligature.training.distributed import Processes
from ligature.training.energy import EnergyMeter
from ligature.training.losses import LossSettings
from ligature.training.runtime import Runtime

SETTINGS = TrainSettings(epochs=4, batch_size=16, warmup_steps=3, learning_rate=3e-3)
ALONE = Processes(torch.device("cpu"))


def counter(powercap: Path, zone: str, name: str, microjoules: int, largest: int = 1000) -> Path:
    folder = powercap / zone
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{largest}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


def test_energy_is_the_sum_of_packages_without_their_parts_and_runs_over(tmp_path):
    first = counter(tmp_path, "intel-rapl:0", "package-0", 900)
    second = counter(tmp_path, "intel-rapl:1", "package-1", 10)
    counter(tmp_path, "intel-rapl:0:0", "core", 5)
    counter(tmp_path, "intel-rapl:2", "psys", 5)
    meter = EnergyMeter(powercap=tmp_path)
    assert meter.cpu_joules == 0
    first.write_text("950\n")
    second.write_text("30\n")
    meter.update()
    assert meter.cpu_joules == pytest.approx(70e-6)
    first.write_text("20\n")
    meter.update()
    assert meter.cpu_joules == pytest.approx((70 + 70) * 1e-6)
    meter.update()
    assert meter.cpu_joules == pytest.approx(140e-6)
    assert meter.gpu_joules is None


@settings(max_examples=25, deadline=None)
@given(used=st.lists(st.integers(0, 999), min_size=1, max_size=8))
def test_energy_is_what_was_used_however_often_the_counter_ran_over(used, tmp_path_factory):
    powercap = tmp_path_factory.mktemp("powercap")
    path = counter(powercap, "intel-rapl:0", "package-0", 500)
    meter, total = EnergyMeter(powercap=powercap), 500
    for microjoules in used:
        total += microjoules
        path.write_text(f"{total % 1000}\n")
        meter.update()
    assert meter.cpu_joules == pytest.approx(sum(used) / 1e6)


def test_a_machine_that_does_not_tell_its_energy_is_not_guessed(tmp_path):
    assert EnergyMeter(powercap=tmp_path).cpu_joules is None
    path = counter(tmp_path, "intel-rapl:0", "package-0", 1)
    path.unlink()
    path.mkdir()  # as unreadable as the counter of another user
    assert EnergyMeter(powercap=tmp_path).cpu_joules is None


class FakeNVML:
    """As much of pynvml as is used; its counter is in millijoules."""

    NVMLError = RuntimeError
    millijoules = 1000

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: str) -> int:
        if self.millijoules is None:
            raise RuntimeError("not supported")
        return self.millijoules if gpu == "GPU-cafe" else 0


def test_energy_of_gpus_is_told_by_nvml_where_it_can(tmp_path, monkeypatch):
    fake = FakeNVML()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: types.SimpleNamespace(uuid="cafe"))
    meter = EnergyMeter(range(2), tmp_path)
    fake.millijoules = 4000
    meter.update()
    assert meter.gpu_joules == pytest.approx(6)
    fake.millijoules = None
    meter.update()
    assert meter.gpu_joules == pytest.approx(6)
    assert EnergyMeter(range(1), tmp_path).gpu_joules is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert EnergyMeter(range(1), tmp_path).gpu_joules is None


def ledger(path: Path, resumed: bool, powercap: Path) -> ComputeLedger:
    return ComputeLedger(path, resumed=resumed, processes=ALONE, precision="float32", powercap=powercap)


def test_a_resumed_run_adds_to_the_account_and_a_new_one_does_not(tmp_path):
    path, energy = tmp_path / "compute.json", counter(tmp_path, "intel-rapl:0", "package-0", 0, 10**9)
    for steps, resumed, microjoules in ((3, False, 5_000_000), (2, True, 7_000_000)):
        account = ledger(path, resumed, tmp_path)
        for _ in range(steps):
            account.add_step(16)
        time.sleep(0.02)
        account.waited = 0.01
        energy.write_text(f"{microjoules}\n")
        account.write()
    figures = json.loads(path.read_text())
    assert (figures["steps"], figures["samples"]) == (5, 80)
    assert figures["cpu_energy_joules"] == pytest.approx(7)
    assert figures["gpu_energy_joules"] is None
    assert figures["seconds"] >= 0.04
    assert figures["seconds_waiting_for_data"] == pytest.approx(0.02)
    assert figures["share_waiting_for_data"] == pytest.approx(0.02 / figures["seconds"])
    assert figures["samples_per_second"] == pytest.approx(80 / figures["seconds"])
    assert figures["steps_per_second"] == pytest.approx(5 / figures["seconds"])
    assert figures["peak_memory_bytes"] > 10_000_000
    assert (figures["processes"], figures["precision"]) == (1, "float32")
    assert figures["device"]
    assert ledger(path, False, tmp_path).figures()["steps"] == 0


def test_energy_unknown_in_one_run_is_unknown_in_the_sum(tmp_path):
    path = tmp_path / "compute.json"
    ledger(path, False, tmp_path).write()
    counter(tmp_path, "intel-rapl:0", "package-0", 0)
    assert ledger(path, True, tmp_path).figures()["cpu_energy_joules"] is None


@pytest.mark.parametrize("content", ["half", "[]", '{"seconds": 1}', '{"seconds": "x", "steps": 1, "samples": 1}'])
def test_a_broken_account_is_named(tmp_path, content):
    path = tmp_path / "compute.json"
    path.write_text(content)
    with pytest.raises(TrainingError, match=r"compute\.json is no account .*: delete it"):
        ledger(path, True, tmp_path)


def test_linear_projector_costs_three_products_less_those_for_frozen_inputs():
    kinds = {"vision_local": "none", "vision_cls": "linear", "text_local": "identity", "text_global": "mlp"}
    projector = Projector(ProjectorConfig(VISION_DIM, TEXT_DIM, 16, **kinds))
    batch = MicroBatch(
        {"cls": torch.randn(4, VISION_DIM), "local": None, "mask": None}, (torch.randn(4, TEXT_DIM), None)
    )
    first_layers = 2 * 4 * 16 * (VISION_DIM + TEXT_DIM)
    second_layer = 2 * 4 * 16 * 16
    assert count_projector_flops(projector, batch) == 2 * first_layers + 3 * second_layer
    assert all(parameter.grad is None for parameter in projector.parameters())


def test_identity_costs_nothing_and_the_loss_its_three_products():
    projector = Projector(ProjectorConfig(8, 8, 8, "none", "identity", "identity", "identity"))
    batch = MicroBatch({"cls": torch.randn(4, 8), "local": None, "mask": None}, (torch.randn(4, 8), None))
    assert count_projector_flops(projector, batch) == 0
    assert loss_flops(10, 8, LossSettings()) == 3 * 2 * 10 * 10 * 8
    assert loss_flops(10, 8, LossSettings(negatives="local", group=5)) == 3 * 2 * 10 * 5 * 8


def test_a_training_writes_its_account_and_facts_know_its_operations(tmp_path):
    result = train(CONFIG, planted_pairs(80), SETTINGS, tmp_path / "run", runtime=Runtime(log_folder=tmp_path / "logs"))
    figures = json.loads((tmp_path / "logs" / "compute.json").read_text())
    assert (figures["steps"], figures["samples"]) == (20, 320)
    assert 0 < figures["seconds_waiting_for_data"] < figures["seconds"]
    assert 0 < figures["share_waiting_for_data"] < 1
    facts = json.loads((tmp_path / "run" / "projector.json").read_text())["facts"]
    assert facts["flops"] == result.facts["flops"]
    one_product = 2 * 320 * sum(weight.numel() for weight in result.projector.parameters() if weight.ndim == 2)
    assert facts["flops"] == 3 * one_product + 20 * loss_flops(16, 16, LossSettings())
    assert not list(tmp_path.glob("run/compute.json"))
