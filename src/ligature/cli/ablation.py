"""`ligature ablate` and `ablation`: the same projector trained on every mix, over several seeds."""

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
from ligature.cli.features import load_pairs, projector_config
from ligature.cli.measures import measure
from ligature.cli.pairs import chosen_pair
from ligature.cli.runtime import make_runtime
from ligature.cli.train import train_settings
from ligature.errors import DataError, ParamsError
from ligature.evaluation import results_table
from ligature.params.curate import AblationParams
from ligature.projection import load_projector
from ligature.projection import train as train_projector
from ligature.store import Layout
from ligature.store.atomic import write_csv


def ablate(
    mix: Annotated[str, typer.Argument(help="Mix to train on.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Train the projector on one mix with one seed, and evaluate it."""
    layout = open_layout(params, results, threads)
    settings = ablation_params(layout)
    if mix not in layout.study.mixes:
        raise ParamsError(f"unknown mix {mix!r}; known: {', '.join(layout.study.mixes)}")
    vision, text = chosen_pair(layout)
    entry = layout.study.mixes[mix]
    training = layout.study.train
    data = load_pairs(layout, vision, text, entry.sets, training.mode, weights=entry.weights, device=device)
    optimisation = replace(
        train_settings(training),
        epochs=settings.steps,
        max_steps=settings.steps,
        batch_size=min(training.batch_size, len(data.images)),
        warmup_steps=min(training.warmup_steps, settings.steps // 10),
        seed=seed,
    )
    folder = layout.ablation / mix / f"seed-{seed}"
    train_projector(
        projector_config(training.projector, data.images, data.texts, training.loss),
        data,
        optimisation,
        folder,
        provenance={"study": layout.study.study, "mix": mix, "sets": entry.model_dump()},
        runtime=make_runtime(device=device, precision=precision),
        what=f"train on {mix}, seed {seed}",
    )
    aligned = Aligned(layout, vision, text, load_projector(folder), training.mode, mix, seed)
    write_csv(folder / "results.csv", results_table(measure(aligned, settings.classification, settings.retrieval)))


def ablation_params(layout: Layout) -> AblationParams:
    """Returns the `ablation` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.ablation is None:
        raise ParamsError(f"study {layout.study.study!r} has no ablation block")
    return layout.study.ablation


def ablation(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Put the results of all trainings on all mixes into one table."""
    layout = open_layout(params, results)
    tables = []
    for seed in ablation_params(layout).seeds:
        for mix in layout.study.mixes:
            path = layout.ablation / mix / f"seed-{seed}" / "results.csv"
            if not path.is_file():
                raise DataError(f"{path}: missing; run `ligature ablate {mix} --seed {seed}` first")
            tables.append(pd.read_csv(path, keep_default_na=False))
    table = pd.concat(tables, ignore_index=True)
    write_csv(layout.ablation / "results.csv", table.drop_duplicates(ignore_index=True))
