"""`ligature index`: the images of a folder, ready to be searched with words."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    ResultsOption,
    ThreadsOption,
    WorkersOption,
    open_layout,
)
from ligature.cli.own_files.anchors import read_anchors
from ligature.cli.own_files.features import choose_encoders, encode_own
from ligature.cli.own_files.fitting import METHOD
from ligature.cli.own_files.folder import list_images
from ligature.cli.own_files.matched import matched_index
from ligature.cli.own_files.options import (
    ANCHORS_HELP,
    ImagesArgument,
    ModelOption,
    RevisionOption,
    StretchOption,
    TextOption,
    VisionOption,
)
from ligature.cli.own_files.stored import check_target, write_index
from ligature.errors import DataError
from ligature.params.matching import QAP_METHODS, Method


def index(
    images: ImagesArgument,
    output: Annotated[Path, typer.Option(help="Folder of the index; an index in it is replaced.")],
    anchors: Annotated[Path | None, typer.Option(help=ANCHORS_HELP)] = None,
    vision: VisionOption = None,
    text: TextOption = None,
    method: Annotated[Method | None, typer.Option(help=f"How anchors are used; {METHOD} by default.")] = None,
    stretch: StretchOption = False,
    model: ModelOption = None,
    revision: RevisionOption = None,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: WorkersOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Index the images of a folder, with a trained pair or, given a few known pairs, with no training at all."""
    if anchors is None:
        _refuse("goes with --anchors", vision=vision, text=text, method=method, stretch=stretch)
    else:
        _refuse("does not go with --anchors", model=model, revision=revision)
    if method in QAP_METHODS:
        raise DataError(f"--method {method}: matches one to one and has no scores to search by; choose another")
    check_target(output)
    found = list_images(images)
    where = {"workers": workers, "device": device}
    if anchors is None:
        import torch

        from ligature.cli.own_files.trained import trained_index

        torch.set_num_threads(threads)
        made = trained_index(found, model or str(open_layout(params, results).model), revision, **where)
    else:
        known, layout = read_anchors(anchors, found), open_layout(params, results, threads)
        own = encode_own(layout, choose_encoders(layout, vision, text), found, known.texts(), **where)
        made = matched_index(own, known, method or METHOD, stretch, len(found.refused))
    write_index(output, made)
    how = f"{made.facts.method}, {len(known.images)} anchors" if made.facts.method else made.facts.model.source
    typer.echo(f"indexed: {made.facts.images} images ({how}): {output}")


def _refuse(reason: str, **options: Any) -> None:
    for name, value in options.items():
        if value:
            raise DataError(f"--{name} {reason}; change one of the two")
