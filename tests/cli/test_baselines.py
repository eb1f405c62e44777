"""Models that are aligned as they come, measured by the same code beside the study's own pair."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from tiny_clip import WIDTH, save_clip

from ligature.cli import data, evaluate
from ligature.cli.aligned import Aligned
from ligature.evaluation import retrieval_recall
from ligature.params import parse_study
from ligature.store import Layout


@pytest.fixture(scope="module")
def compared(finished, tmp_path_factory):
    """Layout of the finished study with a random CLIP as a baseline, and its results."""
    layout, file = finished
    folder = save_clip(tmp_path_factory.mktemp("baseline") / "clip")
    results = folder.parent / "results"
    shutil.copytree(layout.results, results)
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    values["encoders"]["vision"].append({"name": "clip-v", "loader": "clip", "source": str(folder), "pooling": "cls"})
    values["encoders"]["text"].append({"name": "clip-t", "loader": "clip", "source": str(folder)})
    values["evaluate"]["baselines"] = [{"name": "random-clip", "vision": "clip-v", "text": "clip-t"}]
    changed = folder.parent / "params.yaml"
    changed.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    where = {"params": changed, "results": results}
    for encoder in ("clip-v", "clip-t"):
        for dataset in ("labels-val", "captions-test"):
            data.embed(encoder, dataset, 0, "pooled", **where)
    layout = Layout(parse_study(values, "test"), results)
    before = pd.read_csv(layout.evaluation / "results.csv")
    evaluate.evaluate(**where)
    after = pd.read_csv(layout.evaluation / "results.csv", dtype={"variant": str}).fillna({"variant": ""})
    return layout, before, after


def test_a_baseline_is_measured_on_all_that_the_study_measures(compared):
    _, before, after = compared
    own = after[after["model"] == "pixels + bag-of-words"]
    baseline = after[after["model"] == "random-clip"]
    what = ["task", "dataset", "variant", "metric"]
    assert baseline[what].to_numpy().tolist() == own[what].to_numpy().tolist()
    assert len(after) == len(before) + len(baseline)


def test_its_features_are_those_of_clip_without_a_projector(compared):
    layout, _, after = compared
    aligned = Aligned.baseline(layout, layout.study.evaluate.baselines[0])
    joint = aligned.captioned("captions-test")
    assert joint.images.shape[1] == joint.texts.shape[1] == WIDTH
    np.testing.assert_allclose(np.linalg.norm(joint.images, axis=1), 1, rtol=1e-5)
    raw = torch.from_numpy(np.asarray(joint.data.images.cls, np.float32))
    np.testing.assert_allclose(joint.images, torch.nn.functional.normalize(raw).numpy(), rtol=1e-5)
    recall = retrieval_recall(joint.images, joint.texts, joint.data.image_of_text)
    row = after[
        (after["model"] == "random-clip") & (after["task"] == "retrieval") & (after["metric"] == "t2i_recall@5")
    ]
    assert row["value"].item() == pytest.approx(recall["t2i_recall@5"])


def test_chance_stands_there_once(compared):
    _, _, after = compared
    chance = after[after["model"] == "chance"]
    assert not chance.duplicated(["task", "dataset", "variant", "metric"]).any()
