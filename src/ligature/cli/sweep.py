"""`ligature vary` and `sweep`: the same training with other projectors, features and losses, over several seeds."""

from dataclasses import replace
from typing import Annotated

import pandas as pd
import typer

from ligature.cli.aligned import Aligned
from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    PrecisionOption,
    ResultsOption,
    ThreadsOption,
    open_layout,
)
from ligature.cli.costs import view_costs
from ligature.cli.features import load_pairs, projector_config
from ligature.cli.measures import measure
from ligature.cli.runtime import make_runtime
from ligature.cli.train import train_settings
from ligature.errors import DataError, ParamsError
from ligature.evaluation import results_table
from ligature.params.train import ProjectorParams, SweepParams, SweepRun
from ligature.projection import load_projector
from ligature.projection import train as train_projector
from ligature.store import Layout
from ligature.store.atomic import write_csv


def vary(
    run: Annotated[str, typer.Argument(help="Run of the sweep.")],
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Train one run of the sweep with every seed, and evaluate it; finished seeds of a killed run are kept."""
    layout = open_layout(params, results, threads)
    settings = sweep_params(layout)
    if run not in settings.runs:
        raise ParamsError(f"unknown run {run!r}; known: {', '.join(settings.runs)}")
    entry = settings.runs[run]
    data = load_pairs(layout, settings.vision, settings.text, settings.datasets, entry.mode, device=device)
    config = projector_config(_blocks(layout, entry), data.images, data.texts, entry.loss)
    rows = []
    for seed in settings.seeds:
        folder = layout.sweep / run / f"seed-{seed}"
        train_projector(
            config,
            data,
            _optimisation(layout, entry, seed),
            folder,
            provenance={"study": layout.study.study, "run": run, **entry.model_dump()},
            runtime=make_runtime(device=device, precision=precision),
            what=f"train {run}, seed {seed}",
        )
        projector = load_projector(folder)
        aligned = Aligned(layout, settings.vision, settings.text, projector, entry.mode, run, seed)
        rows += measure(aligned, settings.classification, settings.retrieval)
    write_csv(layout.sweep / run / "results.csv", results_table(rows))


def _blocks(layout: Layout, run: SweepRun) -> ProjectorParams:
    """Returns the projector of a run: its own blocks, and dropout and temperature as the study trains with."""
    base = layout.study.train.projector
    blocks = run.model_dump(exclude={"mode", "loss"})
    width = sweep_params(layout).embed_dim
    return ProjectorParams(embed_dim=width, dropout=base.dropout, temperature=base.temperature, **blocks)


def _optimisation(layout: Layout, run: SweepRun, seed: int):
    settings, training = sweep_params(layout), layout.study.train
    return replace(
        train_settings(training, loss=run.loss),
        epochs=settings.steps,
        max_steps=settings.steps,
        warmup_steps=min(training.warmup_steps, settings.steps // 10),
        seed=seed,
        require_progress=False,
    )


def sweep_params(layout: Layout) -> SweepParams:
    """Returns the `sweep` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.sweep is None:
        raise ParamsError(f"study {layout.study.study!r} has no sweep block")
    return layout.study.sweep


def sweep(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Put the results of all runs of the sweep into one table, with what every kind of features costs."""
    layout = open_layout(params, results)
    settings = sweep_params(layout)
    tables = []
    for run in settings.runs:
        path = layout.sweep / run / "results.csv"
        if not path.is_file():
            raise DataError(f"{path}: missing; run `ligature vary {run}` first")
        tables.append(pd.read_csv(path, keep_default_na=False))
    write_csv(layout.sweep / "results.csv", pd.concat(tables, ignore_index=True).drop_duplicates(ignore_index=True))
    modes = list(dict.fromkeys(entry.mode for entry in settings.runs.values()))
    write_csv(
        layout.sweep / "costs.csv", view_costs(layout, settings.vision, settings.text, settings.datasets[0], modes)
    )
