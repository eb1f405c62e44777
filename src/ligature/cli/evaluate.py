"""`ligature evaluate`: zero-shot classification and retrieval of the aligned pair."""

import pandas as pd

from ligature.cli.aligned import Aligned
from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.cli.pictures import map_of_modalities, sample_retrievals
from ligature.evaluation import Result, results_table
from ligature.progress import track
from ligature.projection import project_images, project_texts
from ligature.store.atomic import write_csv, write_json


def evaluate(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, threads: ThreadsOption = 1) -> None:
    """Evaluate the trained projector: zero-shot classification, retrieval, samples and a map of both modalities."""
    layout = open_layout(params, results, threads)
    aligned = Aligned.load(layout)
    settings = layout.study.evaluate
    rows: list[Result] = []
    for dataset in track(settings.classification, "zero-shot classification", unit="data sets"):
        rows += aligned.classification(dataset)
    samples, spaces = [], None
    for dataset in track(settings.retrieval, "retrieval", unit="data sets"):
        data = aligned.captioned(dataset)
        images, texts = project_images(aligned.projector, data.images), project_texts(aligned.projector, data.texts)
        rows += aligned.retrieval(dataset, data, images, texts)
        samples += sample_retrievals(layout, dataset, data, images, texts)
        spaces = spaces or (data, images, texts)
    table = results_table(rows)
    write_csv(layout.evaluation / "results.csv", table)
    write_json(layout.evaluation / "metrics.json", flat_metrics(table, aligned.name))
    write_json(layout.evaluation / "samples.json", samples)
    plane = layout.evaluation / "features_2d.csv"
    if spaces:
        write_csv(plane, map_of_modalities(layout, *spaces))
    else:
        plane.unlink(missing_ok=True)


def flat_metrics(table: pd.DataFrame, model: str) -> dict[str, float]:
    """Returns the measured values as ``dataset/metric``, for tools that compare runs."""
    own = table[table["model"] == model]
    return {f"{row.dataset}/{row.metric}": float(row.value) for row in own.itertuples()}
