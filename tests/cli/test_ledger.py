"""What a study took, read from its logs, manifests and projectors."""

import json
from pathlib import Path

import numpy as np
import pytest

from ligature.cli.ledger import JOB_COLUMNS, counted_flops, finished_jobs, read_json
from ligature.errors import DataError, StoreError
from ligature.params import load_study
from ligature.reporting.compute import compute_table
from ligature.store import Layout, Manifest

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


def benchmark(path: Path, *runs: tuple[object, object, object]) -> None:
    """Writes what Snakemake writes beside a job: seconds, memory and CPU seconds of its runs."""
    lines = [f"{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t90\t{cpu}" for seconds, memory, cpu in runs]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")


def test_rules_of_one_and_of_many_jobs_are_known_by_their_names(tmp_path):
    benchmark(tmp_path / "train.tsv", (14.01, 487.3, 13.15))
    benchmark(tmp_path / "embed" / "chosen-pooled-resnet-0.5-labels-val-00000.tsv", (2.5, 300, 2.25))
    benchmark(tmp_path / "embed" / "pool-pooled-minilm-laion-00000.tsv", (3.5, 200, 1.25))
    jobs = finished_jobs(tmp_path)
    assert list(jobs.columns) == JOB_COLUMNS
    assert jobs.values.tolist() == [
        ["embed", 2.5, 2.25, 300],
        ["embed", 3.5, 1.25, 200],
        ["train", 14.01, 13.15, 487.3],
    ]


def test_of_a_job_that_is_repeated_the_last_run_counts(tmp_path):
    benchmark(tmp_path / "train.tsv", (10, 100, 9), (20, 200, 18))
    assert finished_jobs(tmp_path).values.tolist() == [["train", 20, 18, 200]]


@pytest.mark.parametrize("mark", ["-", "NA"])
def test_what_snakemake_could_not_measure_is_missing(tmp_path, mark):
    benchmark(tmp_path / "select.tsv", (0.5, mark, mark))
    (job,) = finished_jobs(tmp_path).itertuples()
    assert job.seconds == 0.5
    assert np.isnan(job.cpu_seconds)
    assert np.isnan(job.peak_memory_mib)


def test_tables_of_trackers_and_jobs_without_a_run_are_left_alone(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "loss.tsv").write_text("step\tloss\n0\t1.5\n", encoding="utf-8")
    benchmark(tmp_path / "compare.tsv")
    assert finished_jobs(tmp_path).empty


def test_without_logs_there_are_no_jobs(tmp_path):
    jobs = finished_jobs(tmp_path / "nowhere")
    assert list(jobs.columns) == JOB_COLUMNS
    assert jobs.empty
    assert compute_table(jobs, {}).empty


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "train.tsv").touch()
    with pytest.raises(DataError, match=r"train\.tsv: no table .*; remove it") as caught:
        finished_jobs(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture
def layout(tmp_path):
    return Layout(load_study(TINY), tmp_path / "results")


def write_store(layout: Layout, dataset: str, flops: int) -> Path:
    folder = layout.embeddings("pooled", "pixels", dataset, 0)
    folder.mkdir(parents=True)
    facts = {"modality": "image", "view": "pooled", "rows": 0, "dims": 4, "dtype": "float16", "shards": []}
    Manifest(**facts, ids_hash="", items_hash="", source={}, encoder={}, flops=flops).write(folder)
    return folder


def write_projector(folder: Path, facts: dict) -> None:
    folder.mkdir(parents=True)
    (folder / "projector.json").write_text(json.dumps({"config": {}, "facts": facts}), encoding="utf-8")


def test_operations_are_summed_by_part(layout):
    write_store(layout, "captions-val", 100)
    write_store(layout, "labels-val", 23)
    write_projector(layout.train, {"flops": 1000})
    for seed in (0, 1):
        write_projector(layout.ablation / "mix" / f"seed-{seed}", {"flops": 10})
    write_projector(layout.sweep / "linear" / "seed-0", {"flops": 5})
    assert counted_flops(layout) == {"encode": 123.0, "train": 1000.0, "ablate": 25.0}
    table = compute_table(finished_jobs(layout.root), counted_flops(layout)).set_index("part")
    assert table["flops"].to_dict() == {"encode": 123.0, "train": 1000.0, "ablate": 25.0}


def test_parts_without_counted_operations_are_left_out(layout):
    assert counted_flops(layout) == {}
    write_store(layout, "captions-val", 0)
    write_projector(layout.train, {})
    assert counted_flops(layout) == {}


def test_a_broken_manifest_is_not_passed_over(layout):
    (write_store(layout, "captions-val", 1) / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="not a manifest"):
        counted_flops(layout)


def test_a_missing_account_is_empty(tmp_path):
    assert read_json(tmp_path / "compute.json") == {}
    (tmp_path / "compute.json").write_text('{"seconds": 2.5}', encoding="utf-8")
    assert read_json(tmp_path / "compute.json") == {"seconds": 2.5}
