"""A job killed with SIGKILL goes on where it stopped when Snakemake is started again, with the same result."""

import hashlib
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from study_project import Project, light_study

pytestmark = pytest.mark.slow


def kill_when(project: Project, command: list[str], reached: Path) -> None:
    """Starts a command and kills it as soon as a file exists."""
    process = subprocess.Popen(command, cwd=project.folder, env=project.environment(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not reached.exists():
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_killed_training_and_killed_embedding_end_with_the_same_bytes(project):
    values = light_study()
    values["train"]["epochs"] = 400
    values["embed"]["shard_rows"] = 20
    project.write(values)
    project.run("snakemake")
    root = project.folder / "results/tiny"
    weights, manifest = (
        root / "train/projector.safetensors",
        root / ("embeddings/discovery/pooled/pixels/captions-train/part-00000/manifest.json"),
    )
    expected = digest(weights), digest(manifest)

    weights.unlink()
    train = ["ligature", "train", "--checkpoint-every", "1"]
    kill_when(project, train, root / "train/checkpoint/state.pt")
    assert not weights.exists()
    resumed = project.run("ligature", "train", "--checkpoint-every", "1")
    assert "training goes on after step" in resumed
    assert digest(weights) == expected[0]

    manifest.unlink()
    kill_when(project, ["ligature", "embed", "pixels", "captions-train"], manifest.parent / "resume.json")
    assert not manifest.exists()
    assert "not recorded, since not up to date: discovery;" in project.run("ligature", "record")
    resumed = project.run("snakemake", "stage_discovery")
    assert "resuming" in resumed
    assert digest(manifest) == expected[1]
    assert project.nothing_to_do()


def test_a_part_of_the_pool_killed_in_the_middle_then_resumed_then_merged_gives_the_same_selection(curated_project):
    root = curated_project.folder / "results/tiny"
    part = root / "embeddings/pool/pooled/bag-of-words/laion/part-00001"
    selected, merged = root / "curation/selected.parquet", root / "curation/top_k/level-2/state-00000.safetensors"
    before = digest(selected), digest(merged)
    shutil.rmtree(part)
    shutil.rmtree(root / "curation")
    kill_when(
        curated_project,
        ["ligature", "embed", "bag-of-words", "laion", "--part", "1"],
        part / "text_emb/text_emb_00001.npy",
    )
    assert not (part / "manifest.json").exists()
    assert "resuming" in curated_project.run("snakemake", "--cores", "2", "stage_curation")
    assert (digest(selected), digest(merged)) == before
    assert curated_project.nothing_to_do()
