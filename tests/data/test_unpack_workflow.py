"""The rule that unpacks: public data come before what reads them, once for all studies, under a mirror alone."""

import json

import pytest
from study_project import Project, light_study
from tiny_mirror import tiny_mirror

from ligature.params import load_study
from ligature.store import Layout

KEYS = ["coco-val-images@2017", "coco-annotations@2017"]
PHOTOS = {
    "format": "coco",
    "resources": KEYS,
    "images": "{data}/coco-val-images@2017/val2017",
    "captions": "{data}/coco-annotations@2017/annotations/captions_val2017.json",
}


@pytest.fixture
def mirrored(tmp_path, monkeypatch):
    """A project with a public data set, and the mirror that it is to be fetched from."""
    with tiny_mirror(tmp_path / "mirror", images=4, rows=4) as mirror:
        for name, value in mirror.environment().items():
            monkeypatch.setenv(name, value)
        values = light_study()
        values["datasets"]["photos"] = PHOTOS
        values["evaluate"]["retrieval"] = [*values["evaluate"]["retrieval"], "photos"]
        yield Project(tmp_path / "project", values), mirror


@pytest.mark.slow
@pytest.mark.ci
def test_a_data_set_is_unpacked_before_it_is_embedded_and_only_once(mirrored):
    project, mirror = mirrored
    layout = Layout(load_study(project.folder / "params.yaml"))
    encoder = layout.study.encoders.vision[0].name
    (manifest,) = [folder / "manifest.json" for folder in layout.embedding_parts("pooled", encoder, "photos")]
    output = project.run("snakemake", "--cores", "2", str(manifest), "--until", "unpack")
    assert all(f"fetch and unpack {key}" in output for key in KEYS)
    markers = [mirror.folder / "data" / key / "unpacked.json" for key in KEYS]
    assert [json.loads(marker.read_text())["resource"] for marker in markers] == KEYS
    asked = len(mirror.seen)
    dry = project.run("snakemake", "--dry-run", str(manifest))
    assert f"embed photos with {encoder}" in dry
    assert "fetch and unpack" not in dry
    assert len(mirror.seen) == asked


@pytest.mark.slow
def test_an_unknown_resource_stops_the_workflow_with_one_line(mirrored):
    project, _ = mirrored
    values = light_study()
    values["datasets"]["photos"] = {**PHOTOS, "resources": [*KEYS, "nothing@1"]}
    project.write(values)
    output = project.run("snakemake", "--dry-run", check=False)
    assert "has no row 'nothing@1'; there are laion400m@2021" in output
    assert "Traceback" not in output
