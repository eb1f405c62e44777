"""`ligature vary` and `sweep`: the same training with other projectors, features and losses, over several seeds."""

from typing import Annotated

import typer

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
from ligature.cli.runtime import make_runtime
from ligature.cli.series import Series, collect
from ligature.errors import ParamsError
from ligature.params.train import AssemblyParams, ProjectorParams, SweepParams, SweepRun
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
    entry, pair = settings.runs[run], (settings.vision, settings.text)
    data = load_pairs(layout, *pair, entry.datasets or settings.datasets, entry.mode, device=device)
    series = Series(
        layout=layout,
        folder=layout.sweep / run,
        name=run,
        pair=pair,
        mode=entry.mode,
        loss=entry.loss,
        steps=settings.steps,
        batch_size=settings.batch_size,
        seeds=settings.seeds,
        labelled=settings.classification,
        captioned=settings.retrieval,
    )
    series.run(
        projector_config(_blocks(layout, entry), data.images, data.texts, entry.loss),
        data,
        provenance={"study": layout.study.study, "run": run, **entry.model_dump()},
        runtime=make_runtime(device=device, precision=precision),
    )


def _blocks(layout: Layout, run: SweepRun) -> ProjectorParams:
    """Returns the projector of a run: its own blocks, and dropout and temperature as the study trains with."""
    base = layout.study.train.projector
    blocks = run.model_dump(include=set(AssemblyParams.model_fields))
    width = sweep_params(layout).embed_dim
    return ProjectorParams(embed_dim=width, dropout=base.dropout, temperature=base.temperature, **blocks)


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
    write_csv(layout.sweep / "results.csv", collect(layout.sweep, list(settings.runs), "vary"))
    modes = list(dict.fromkeys(run.mode for run in settings.runs.values()))
    costs = view_costs(layout, settings.vision, settings.text, settings.retrieval[0], modes)
    write_csv(layout.sweep / "costs.csv", costs)
