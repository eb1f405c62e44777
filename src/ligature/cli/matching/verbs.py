"""`ligature match-experiment` and `matching`: one experiment of matching without training, and all put together."""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.cli.matching.experiment import Experiment
from ligature.cli.matching.shuffles import shuffled_cka
from ligature.cli.matching.tables import read_table
from ligature.errors import DataError, ParamsError
from ligature.params.matching import MatchingParams
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json
from ligature.store.damage import read_json


def match_experiment(
    name: Annotated[str, typer.Argument(help="Experiment of the study's `matching` block.")],
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
) -> None:
    """Run one experiment of matching without training; finished cells of a killed run are kept."""
    from threadpoolctl import threadpool_limits

    layout = open_layout(params, results, threads)
    settings = matching_params(layout)
    if name not in settings.experiments:
        raise ParamsError(f"unknown experiment {name!r}; known: {', '.join(settings.experiments)}")
    with threadpool_limits(threads):
        Experiment(layout, name, settings.experiments[name]).run(settings.samples)


def matching(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, threads: ThreadsOption = 1) -> None:
    """Put the results of all experiments of matching together, and measure the CKA of shuffled pairs."""
    layout = open_layout(params, results, threads)
    settings = matching_params(layout)
    for table in ("seedwise.csv", "results.csv"):
        parts = [read_table(layout.matching / name / table, _remedy(name)) for name in settings.experiments]
        write_csv(layout.matching / table, pd.concat(parts, ignore_index=True))
    samples = [entry for name in settings.experiments for entry in _read_samples(layout.matching / name, name)]
    write_json(layout.matching / "samples.json", samples)
    write_csv(layout.matching / "cka.csv", shuffled_cka(layout, settings))


def matching_params(layout: Layout) -> MatchingParams:
    """Returns the `matching` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.matching is None:
        raise ParamsError(f"study {layout.study.study!r} has no matching block")
    return layout.study.matching


def _read_samples(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / "samples.json"
    try:
        return read_json(path)
    except FileNotFoundError:
        raise DataError(f"{path}: missing; {_remedy(name)}") from None


def _remedy(name: str) -> str:
    return f"run `ligature match-experiment {name}` first"
