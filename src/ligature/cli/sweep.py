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
from ligature.errors import DataError, ParamsError
from ligature.params.train import SweepParams, SweepRun
from ligature.progress import say
from ligature.store import Layout
from ligature.store.atomic import write_csv

NOT_TAKEN = {"validation", "seed"}
"""Keys of `train` that no training of a sweep takes."""
FinishedOption = Annotated[
    bool, typer.Option("--finished", help="Take the runs that have finished, where others have not.")
]


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
    if run not in settings.points:
        raise ParamsError(f"unknown run {run!r}; known: {', '.join(settings.points)}")
    chosen = settings.points[run]
    pair, training = settings.pair(chosen), settings.training(chosen, layout.study.train)
    data = load_pairs(layout, *pair, training.datasets, training.mode, device=device)
    series = Series(
        layout=layout,
        folder=layout.sweep / run,
        name=run,
        pair=pair,
        mode=training.mode,
        loss=training.loss,
        steps=training.epochs,
        batch_size=training.batch_size,
        seeds=settings.seeds,
        labelled=settings.classification,
        captioned=settings.retrieval,
        training=training,
        variants=chosen.variants,
    )
    series.run(
        projector_config(training.projector, data.images, data.texts, training.loss),
        data,
        provenance={"study": layout.study.study, "run": run, "train": training.model_dump(exclude=NOT_TAKEN)},
        runtime=make_runtime(device=device, precision=precision),
    )


def sweep_params(layout: Layout) -> SweepParams:
    """Returns the `sweep` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.sweep is None:
        raise ParamsError(f"study {layout.study.study!r} has no sweep block")
    return layout.study.sweep


def sweep(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS, finished: FinishedOption = False) -> None:
    """Put the results of all runs of the sweep into one table, with what every kind of features costs."""
    layout = open_layout(params, results)
    settings = sweep_params(layout)
    runs = _finished(layout, settings.points) if finished else settings.points
    write_csv(layout.sweep / "results.csv", collect(layout.sweep, list(runs), "vary"))
    modes = list(dict.fromkeys(run.mode for run in runs.values()))
    costs = view_costs(layout, settings.vision, settings.text, settings.retrieval[0], modes)
    write_csv(layout.sweep / "costs.csv", costs)


def _finished(layout: Layout, runs: dict[str, SweepRun]) -> dict[str, SweepRun]:
    """Returns the runs that have results, and says which have none.

    Raises:
        DataError: when none has.
    """
    done = {name: run for name, run in runs.items() if (layout.sweep / name / "results.csv").is_file()}
    if not done:
        raise DataError(f"{layout.sweep}: no run of the sweep has finished; run `snakemake stage_sweep` first")
    missing = [name for name in runs if name not in done]
    if missing:
        say(f"{len(done)} of {len(runs)} runs have finished; not yet: {', '.join(missing)}")
    return done
