"""`ligature evaluate`: zero-shot classification, retrieval and the modality gap of the aligned pair."""

from typing import Annotated

import pandas as pd
import typer

from ligature.cli import measures
from ligature.cli.aligned import Aligned, Joint
from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.cli.pictures import map_of_modalities, sample_retrievals
from ligature.evaluation import Result, results_table
from ligature.progress import track
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json


def evaluate(
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    list_benchmarks: Annotated[bool, typer.Option("--list", help="List the benchmarks and stop.")] = False,
) -> None:
    """Evaluate the aligned pair and the baselines: zero-shot classification, retrieval, languages, long texts, gap."""
    if list_benchmarks:
        _list_benchmarks()
        return
    layout = open_layout(params, results, threads)
    aligned = Aligned.load(layout)
    baselines = [Aligned.baseline(layout, entry) for entry in layout.study.evaluate.baselines]
    joints = _joints(aligned)
    rows = _measure(aligned, joints) + [row for pair in baselines for row in _measure(pair, _joints(pair))]
    table = results_table(_once(rows))
    write_csv(layout.evaluation / "results.csv", table)
    write_json(layout.evaluation / "metrics.json", flat_metrics(table, aligned.name))
    _write_pictures(layout, joints)


def _joints(aligned: Aligned) -> dict[str, Joint]:
    """Returns the captioned data sets in the joint space of a pair, each projected once, when it is first asked for."""
    return {name: aligned.captioned(name) for name in aligned.layout.study.evaluate.retrieval}


def _measure(aligned: Aligned, joints: dict[str, Joint]) -> list[Result]:
    settings = aligned.layout.study.evaluate
    rows: list[Result] = []
    for dataset in track(settings.classification, f"{aligned.name}: classification", unit="data sets"):
        rows += measures.classification(aligned, dataset)
    for dataset in track(settings.retrieval, f"{aligned.name}: retrieval", unit="data sets"):
        joint = joints[dataset]
        rows += measures.retrieval(aligned, dataset, joint)
        rows += measures.retrieval_variants(aligned, dataset)
        rows += measures.gap(aligned, dataset, joint)
    return rows


def _once(rows: list[Result]) -> list[Result]:
    """Leaves out rows that stand there already, such as the level of chance beside every model."""
    return list(dict.fromkeys(rows))


def _write_pictures(layout: Layout, joints: dict[str, Joint]) -> None:
    samples, plane = [], layout.evaluation / "features_2d.csv"
    plane.unlink(missing_ok=True)
    for dataset, joint in joints.items():
        samples += sample_retrievals(layout, dataset, joint.data, joint.images, joint.texts)
        if not plane.exists():
            write_csv(plane, map_of_modalities(layout, joint.data, joint.images, joint.texts))
    write_json(layout.evaluation / "samples.json", samples)


def _list_benchmarks() -> None:
    from ligature.evaluation.benchmarks import benchmark_table

    print(benchmark_table().to_string(index=False))


def flat_metrics(table: pd.DataFrame, model: str) -> dict[str, float]:
    """Returns the measured values as ``dataset/metric``, variants in between, for tools that compare runs."""
    own = table[table["model"] == model]
    return {
        "/".join(part for part in (row.dataset, _task_prefix(row.task), row.variant, row.metric) if part): float(
            row.value
        )
        for row in own.itertuples()
    }


def _task_prefix(task: str) -> str:
    return "" if task in ("classification", "retrieval") else task.replace(" ", "-")
