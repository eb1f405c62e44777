"""`ligature classify`: images of one's own under labels of one's own."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from ligature.cli.context import PARAMS, RESULTS, DeviceOption, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.errors import DataError

TEMPLATES = ["a photo of a {}."]


def classify(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Image files.")],
    labels: Annotated[str, typer.Option(help="Names of the classes, with commas between them.")] = "",
    template: Annotated[
        list[str], typer.Option(help="Prompt; {} stands for the label. May be given again.")
    ] = TEMPLATES,
    model: Annotated[str | None, typer.Option(help="Exported folder or Hub id; that of the study by default.")] = None,
    revision: Annotated[str | None, typer.Option(help="Of a model on the Hub.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show the probability of every label.")] = False,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Print the most probable label of every image; probabilities are among the given labels only."""
    names = [label.strip() for label in labels.split(",") if label.strip()]
    if not names:
        raise DataError("--labels: no label is given; write them as --labels cat,dog")
    source = model or str(open_layout(params, results).model)
    import torch

    from ligature.export import AlignedModel

    torch.set_num_threads(threads)
    pair = AlignedModel.from_pretrained(source, revision=revision, device=device)
    probabilities = pair.classify(images, names, templates=template)
    for line in table_lines(images, names, probabilities) if everything else best_lines(images, names, probabilities):
        typer.echo(line)


def best_lines(images: Sequence[str], labels: Sequence[str], probabilities: np.ndarray) -> list[str]:
    """Returns image, label and probability of every image, with tabs between them."""
    best = probabilities.argmax(axis=1)
    return [
        f"{image}\t{labels[label]}\t{row[label]:.4f}"
        for image, label, row in zip(images, best, probabilities, strict=True)
    ]


def table_lines(images: Sequence[str], labels: Sequence[str], probabilities: np.ndarray) -> list[str]:
    """Returns a header and the probability of every label for every image, with tabs between them."""
    rows = (
        "\t".join([image, *(f"{value:.4f}" for value in row)]) for image, row in zip(images, probabilities, strict=True)
    )
    return ["\t".join(["image", *labels]), *rows]
