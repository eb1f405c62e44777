"""A whole study run once, in this process, with encoders that need no training."""

import shutil

import pytest
import yaml
from download_stub import Img2dataset
from tiny_study import light_values

from ligature.cli import (
    ablation,
    assemble,
    curate,
    data,
    download,
    evaluate,
    pairs,
    pool,
    report,
    scoring,
    train,
)
from ligature.data.download import fetching
from ligature.params import parse_study
from ligature.store import Layout


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
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    layout = Layout(parse_study(values, "test"), folder / "results")
    where = {"params": file, "results": layout.results}
    data.world(**where)
    run_embeddings(layout, where)
    pairs.compare(**where)
    pairs.probe("pixels", **where)
    pairs.select(**where)
    train.train(**where)
    evaluate.evaluate(**where)
    report.report(**where)
    return layout, file


def run_curation(layout: Layout, where: dict) -> None:
    """Runs the steps of curation by hand, after the training of the pair that scores."""
    for source, parts in (("laion", 4), ("cc3m", 1)):
        for part in range(parts):
            pool.pool(source, part, **where)
    pool.dedupe(**where)
    for part in range(4):
        data.embed("bag-of-words", "laion", part, "pooled", **where)
    data.embed("pixels", "labels-train", 0, "pooled", **where)
    scoring.prototypes(**where)
    for part in range(4):
        scoring.score("laion", part, **where)
    for level, count in enumerate(layout.merge_levels[1:], 1):
        for index in range(count):
            scoring.merge(level, index, **where)
    curate.curate(**where)


def run_mixes(layout: Layout, where: dict) -> None:
    """Downloads the sets through the world's own server, puts them into mixes and trains on them."""
    for name in layout.sets:
        for chunk in range(2):
            download.download(name, chunk, **where)
    assemble.assemble(**where)
    for name in layout.sets:
        for chunk in range(2):
            for encoder in ("pixels", "bag-of-words"):
                data.embed(encoder, name, chunk, "pooled", **where)
    for mix in layout.study.mixes:
        ablation.ablate(mix, **where)
    ablation.ablation(**where)


@pytest.fixture(scope="session")
def curated(finished, tmp_path_factory):
    """Layout and arguments of a study that was also curated; img2dataset is stood in for."""
    layout, file = finished
    results = tmp_path_factory.mktemp("curated") / "results"
    shutil.copytree(layout.results, results)
    layout, where = Layout(layout.study, results), {"params": file, "results": results}
    run_curation(layout, where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "_run", lambda *call: Img2dataset(call[3])(*call))
        run_mixes(layout, where)
    report.report(**where)
    return layout, where
