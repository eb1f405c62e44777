"""What jobs ask for: the helpers of `resources.smk` by themselves, and the rules that must use them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from loopback_slurm import ROOT, Checkout

RULES = {
    match[1]: match[0]
    for file in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for match in re.finditer(r"^(?:rule|checkpoint) (\w+):\n(?:(?:    .*)?\n)+", file.read_text(), re.MULTILINE)
}
GPU_RULES = {
    *("embed", "probe", "train", "vary", "ablate", "segment", "score", "pretrain", "gauge"),
    *("language_model", "connect", "appraise"),
}


class Refusal(Exception):
    """Stands for Snakemake's WorkflowError."""


class Resources(SimpleNamespace):
    """Stands for the resources of a job."""

    def keys(self):
        return vars(self).keys()


def helpers(**config) -> SimpleNamespace:
    """Returns the names that `resources.smk` defines under a configuration of Snakemake."""
    encoders = SimpleNamespace(
        vision=[SimpleNamespace(name="pixels", loader="pixels"), SimpleNamespace(name="vit", loader="transformers")],
        text=[SimpleNamespace(name="bag", loader="bag-of-words")],
    )
    scope = {"config": config, "Path": Path, "WorkflowError": Refusal, "encoders": [*encoders.vision, *encoders.text]}
    scope["find"] = lambda blocks, name: next(block for block in blocks if block.name == name)
    path = ROOT / "workflow/rules/resources.smk"
    exec(compile(path.read_text(), str(path), "exec"), scope)
    return SimpleNamespace(**scope)


def started(names: SimpleNamespace, wildcards: dict, **resources) -> str:
    """Returns how a job of a GPU rule is started."""
    return names.launcher(wildcards, Resources(**{"gpu": names.one_gpu(wildcards)} | resources))


def test_every_rule_says_what_it_needs_and_gpu_rules_alone_may_ask_for_gpus():
    assert len(RULES) > 20
    for name, text in RULES.items():
        for line in ("mem_mb=memory(", "runtime=minutes(", "cpus_per_task=cpus,"):
            assert line in text, f"{name} does not say {line}"
    assert {name for name, text in RULES.items() if "gpu=" in text} == GPU_RULES
    assert {name for name, text in RULES.items() if "launch=launcher" in text} == GPU_RULES
    assert {name for name, text in RULES.items() if "{params.launch} " in text} == GPU_RULES


def test_memory_and_minutes_follow_what_is_read_and_grow_with_every_attempt(tmp_path):
    names = helpers()
    (tmp_path / "table.parquet").write_bytes(bytes(3_000_000))
    store = tmp_path / "part-00000"
    for name in ("img_emb/img_emb_00000.npy", "metadata/metadata_00000.parquet"):
        (store / name).parent.mkdir(parents=True)
        (store / name).write_bytes(bytes(1_000_000))
    (store / "manifest.json").write_text("{}")
    table, manifest, absent = str(tmp_path / "table.parquet"), str(store / "manifest.json"), str(tmp_path / "absent")
    assert names.megabytes([table, absent]) == 3
    assert names.megabytes([manifest]) == 2, "a manifest stands for its store"
    asked = names.memory(1000, 4)
    assert [asked({}, [table], attempt) for attempt in (1, 2, 3)] == [1012, 2024, 3036]
    assert names.minutes(10, 1000)({}, [manifest], 2) == 24
    assert names.memory(1000)({}, [], 1) == 1000


def test_gpus_are_asked_for_on_cuda_alone_and_never_for_small_encoders():
    laptop, cluster = helpers(), helpers(device="cuda", launch="slurm")
    for wildcards in ({}, {"encoder": "vit"}):
        assert (laptop.one_gpu(wildcards), cluster.one_gpu(wildcards)) == (0, 1)
    for name in ("pixels", "bag"):
        assert cluster.one_gpu({"encoder": name}) == 0
    assert cluster.memory(1000, cuda=4000)({}, [], 1) == 5000
    assert laptop.memory(1000, cuda=4000)({}, [], 1) == 1000
    assert cluster.cpus({}, 8) == 8


@pytest.mark.parametrize(
    ("config", "wildcards", "command"),
    [
        ({}, {}, "ligature"),
        ({"device": "cpu"}, {}, "LIGATURE_DEVICE=cpu ligature"),
        ({"device": "cuda"}, {"encoder": "vit"}, "LIGATURE_DEVICE=cuda ligature"),
        ({"device": "cuda"}, {"encoder": "pixels"}, "LIGATURE_DEVICE=cpu ligature"),
        ({"device": "cuda", "launch": "lease"}, {}, "LIGATURE_DEVICE=cuda ligature lease --gpus 1 -- ligature"),
        ({"device": "cuda", "launch": "lease"}, {"encoder": "bag"}, "LIGATURE_DEVICE=cpu ligature"),
        ({"device": "cpu", "launch": "lease"}, {}, "LIGATURE_DEVICE=cpu ligature"),
    ],
)
def test_the_device_is_said_by_the_profile_and_left_alone_without_one(config, wildcards, command):
    assert started(helpers(**config), wildcards) == command


def test_a_training_starts_by_torchrun_and_on_slurm_once_on_every_node():
    alone = started(helpers(), {}, processes=4)
    assert alone == "torchrun --standalone --nproc-per-node 4 -m ligature.cli.main"
    leased = helpers(device="cuda", launch="lease", processes=2)
    command = started(leased, {}, processes=2, gpu=leased.training_gpus({}))
    assert command == f"LIGATURE_DEVICE=cuda ligature lease --gpus 2 -- {alone.replace('4', '2')}"
    cluster = helpers(device="cuda", launch="slurm", nodes=2, processes=4)
    assert cluster.training_gpus({}) == 8
    command = started(cluster, {}, processes=8, cpus_per_task=6)
    assert command.startswith(
        "LIGATURE_DEVICE=cuda srun --nodes 2 --ntasks 2 --ntasks-per-node 1 --cpus-per-task 24 torchrun --nnodes 2"
        ' --nproc-per-node 4 --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" --rdzv-endpoint "$(hostname):'
    )
    assert started(helpers(device="cuda", launch="slurm"), {}, processes=1) == "LIGATURE_DEVICE=cuda ligature"


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"device": "gpu"}, "--config device=gpu: use cpu or cuda"),
        ({"launch": "ssh"}, "--config launch=ssh: use local or slurm or lease"),
        ({"processes": 0}, "--config processes=0: give a number from 1 up"),
        ({"processes": "many"}, "--config processes=many: give a number from 1 up"),
        ({"nodes": 2}, "--config nodes: only Slurm has several"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(config, complaint):
    with pytest.raises(Refusal, match=re.escape(complaint)):
        helpers(**config)


def test_processes_that_slurm_was_not_asked_for_are_refused():
    with pytest.raises(Refusal, match="on Slurm say --config processes=N"):
        started(helpers(launch="slurm"), {}, processes=4)


@pytest.mark.parametrize("profile", ["default", "slurm", "gpus"])
def test_profiles_name_rules_that_exist(profile):
    text = (ROOT / "profiles" / profile / "config.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    assert set(values.get("set-threads", {})) | set(values.get("groups", {})) <= set(RULES)
    assert set(values.get("group-components", {})) <= set(values.get("groups", {}).values())
    if "configfile" in values:
        machine = yaml.safe_load((ROOT / "profiles" / profile / values["configfile"]).read_text(encoding="utf-8"))
        helpers(**machine)


def test_profile_slurm_is_found_at_the_root_by_its_name():
    assert (ROOT / "slurm").is_symlink()
    assert (ROOT / "slurm" / "config.yaml").samefile(ROOT / "profiles" / "slurm" / "config.yaml")


@pytest.mark.slow
def test_the_profile_keeps_its_own_cores_and_groups_small_jobs(tmp_path):
    checkout = Checkout(tmp_path)
    shutil.copy(ROOT / "tests/studies/tiny.yaml", tmp_path / "params.yaml")
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    command = ["snakemake", "--profile", "slurm", "--dry-run", "--printshellcmds"]
    done = subprocess.run(
        command, cwd=checkout.folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert "Group job pool" in output
    assert "Group job score" in output
    assert "--workers 7" in output, "the laptop's two cores do not win over the profile's eight"
    assert "LIGATURE_DEVICE=cuda ligature embed vit-untrained" in output
    assert "LIGATURE_DEVICE=cpu ligature embed pixels" in output
