"""A whole study run once, in this process, with encoders that need no training."""

from pathlib import Path

import pytest
import yaml

from ligature.cli import data, evaluate, pairs, report, train
from ligature.params import parse_study
from ligature.store import Layout

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"


def light_values() -> dict:
    """The tiny study with the two encoders that are not models."""
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["encoders"]["vision"] = values["encoders"]["vision"][:1]
    values["encoders"]["text"] = values["encoders"]["text"][:1]
    return values


def run_embeddings(layout: Layout, where: dict) -> None:
    for encoder in [*layout.study.encoders.vision, *layout.study.encoders.text]:
        for dataset in ("captions-train", "captions-val", "captions-test", "labels-val"):
            for part in range(layout.study.datasets[dataset].parts):
                data.embed(encoder.name, dataset, part, "pooled", **where)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Layout and study file of a study that has run to its end."""
    folder = tmp_path_factory.mktemp("study")
    file = folder / "params.yaml"
    values = light_values()
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    where = {"params": file, "results": layout.results}
    data.world(**where)
    run_embeddings(layout, where)
    pairs.compare(**where)
    pairs.probe("pixels", "bag-of-words", **where)
    pairs.select(**where)
    train.train(**where)
    evaluate.evaluate(**where)
    report.report(**where)
    return layout, file
