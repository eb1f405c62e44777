"""`ligature ablate` and `ablation`: the same projector trained on every mix, over several seeds."""

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
from ligature.cli.features import load_pairs, projector_config
from ligature.cli.pairs import chosen_pair
from ligature.cli.runtime import make_runtime
from ligature.cli.series import Series, collect
from ligature.errors import ParamsError
from ligature.params.curate import AblationParams
from ligature.store import Layout
from ligature.store.atomic import write_csv

MODE = "pooled"
"""Mode of all trainings on mixes: two vectors an image are enough to tell mixes apart, and are stored once."""


def ablate(
    mix: Annotated[str, typer.Argument(help="Mix to train on.")],
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Train the projector on one mix with every seed, and evaluate it; finished seeds of a killed run are kept."""
    layout = open_layout(params, results, threads)
    settings, training = ablation_params(layout), layout.study.train
    if mix not in layout.study.ablated:
        raise ParamsError(f"unknown mix {mix!r}; known: {', '.join(layout.study.ablated)}")
    pair, entry = chosen_pair(layout), layout.study.mixes[mix]
    data = load_pairs(layout, *pair, entry.sets, MODE, weights=entry.weights, device=device)
    series = Series(
        layout=layout,
        folder=layout.ablation / mix,
        name=mix,
        pair=pair,
        mode=MODE,
        loss=training.loss,
        steps=settings.steps,
        batch_size=training.batch_size,
        seeds=settings.seeds,
        labelled=settings.classification,
        captioned=settings.retrieval,
    )
    series.run(
        projector_config(training.projector, data.images, data.texts, training.loss),
        data,
        provenance={"study": layout.study.study, "mix": mix, "sets": entry.model_dump()},
        runtime=make_runtime(device=device, precision=precision),
    )


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
    ablation_params(layout)
    write_csv(layout.ablation / "results.csv", collect(layout.ablation, layout.study.ablated, "ablate"))
