"""A store that is damaged between two runs of the workflow: said in one line, and made whole by the next run."""

import pytest
from study_project import Project, light_study

pytestmark = pytest.mark.slow
PART = "results/tiny/embeddings/discovery/pooled/pixels/captions-train/part-00000"


def test_a_damaged_shard_stops_its_reader_and_the_next_run_encodes_that_shard_alone(tmp_path):
    values = light_study()
    values["embed"]["shard_rows"] = 20
    project = Project(tmp_path, values)
    project.run("snakemake", "stage_discovery")
    part = tmp_path / PART
    expected = {path: path.read_bytes() for path in part.rglob("*") if path.is_file()}
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("manifest.json")}
    shard = part / "img_emb/img_emb_00001.npy"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x55")

    failed = project.run("snakemake", "stage_pairs", check=False)
    assert f"error: {PART}/img_emb/img_emb_00001.npy: damaged, the vectors" in failed
    assert "its manifest was set aside as manifest.json.damaged" in failed

    repaired = project.run("snakemake", "stage_pairs")
    assert f"repairing {PART}: of {len(list(part.rglob('*.npy')))} shards" in repaired
    assert {path: path.read_bytes() for path in part.rglob("*") if path.is_file()} == expected
    redone = [path for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert redone == [part / "manifest.json"]
    assert "Nothing to be done" in project.run("snakemake", "stage_pairs", "--dry-run")
