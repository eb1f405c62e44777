"""`ligature match`: which caption of a list belongs to which image of a folder, learnt from a few known pairs."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
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
from ligature.cli.own_files.features import choose_encoders, encode_own
from ligature.cli.own_files.fitting import FOLDS, METHOD, MIN_HELD_OUT, RIVALS, Features, Fitting
from ligature.cli.own_files.options import ANCHORS_HELP, ImagesArgument, StretchOption, TextOption, VisionOption
from ligature.cli.own_files.task import Task, read_task
from ligature.errors import DataError
from ligature.params.matching import QAP_METHODS, Method
from ligature.store.atomic import replacing

DIGITS = 8


def match(
    images: ImagesArgument,
    captions: Annotated[Path, typer.Argument(metavar="CAPTIONS", help="Text file with one caption a line.")],
    anchors: Annotated[Path, typer.Option(help=ANCHORS_HELP)],
    vision: VisionOption = None,
    text: TextOption = None,
    method: Annotated[Method, typer.Option(help="How to match; qap is slower and looks at all at once.")] = METHOD,
    stretch: StretchOption = False,
    csls: Annotated[int | None, typer.Option(min=1, help="Neighbours of a correction of hubs in the scores.")] = None,
    output: Annotated[Path, typer.Option(help="csv to write.")] = Path("matches.csv"),
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: WorkersOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Match images to captions one to one, with two frozen encoders and a few known pairs, and no training.

    Anchors are not matched. Where there are more images than captions, every caption gets an image.
    """
    if csls is not None and method in QAP_METHODS:
        raise DataError(f"--csls corrects scores, and {method} matches by none; leave one of them out")
    check_output(output, captions, anchors)
    layout = open_layout(params, results, threads)
    names = choose_encoders(layout, vision, text)
    task = read_task(images, captions, anchors)
    encoded = encode_own(
        layout, names, task.found, task.anchors.texts().union(task.captions.texts), workers=workers, device=device
    )
    task = task.without(encoded.files.broken)
    base = encoded.base(task.anchors)
    own = Features(encoded.files.of(task.images), encoded.of(task.captions.texts))
    fitting = Fitting(method, stretch, csls, texts_ask=len(task.images) > len(task.captions.texts))
    table = fitting.match(base, own).table()
    held_out = {
        name: replace(fitting, method=name).held_out_accuracy(base, encoded.first_captions(task.anchors), own)
        for name in dict.fromkeys((method, *RIVALS))
    }
    write_matches(output, table, task)
    typer.echo(f"{' + '.join(names.values())}, {method}{', stretched' * stretch}, {len(base.images)} anchors")
    for line in summary_lines(len(table), task, held_out):
        typer.echo(line)
    typer.echo(f"written: {output}")


def check_output(output: Path, *inputs: Path) -> None:
    """Checks that a file may be written.

    Raises:
        DataError: it is a folder, or one of the files that are read.
    """
    if output.is_dir():
        raise DataError(f"--output {output}: is a folder; name a file")
    if output.resolve() in [path.resolve() for path in inputs]:
        raise DataError(f"--output {output}: is one of the files that are read; name another file")


def write_matches(path: Path, table: pd.DataFrame, task: Task) -> None:
    """Writes a csv of ``image``, ``caption``, ``line``, ``score``, ``margin`` and ``rank``, one row an image.

    Args:
        path: where.
        table: as ``Matched.table`` returns it.
        task: whose images and captions the rows of the table count.
    """
    columns = {
        "image": [task.images[row] for row in table["image"]],
        "caption": [task.captions.texts[row] for row in table["text"]],
        "line": [task.captions.lines[row] for row in table["text"]],
    }
    matches = pd.DataFrame(columns).join(table[["score", "margin"]].round(DIGITS)).join(table["rank"])
    with replacing(path) as temporary:  # every text in quotes, since names of files may hold any line end
        matches.to_csv(temporary, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def summary_lines(pairs: int, task: Task, held_out: Mapping[Method, float | None]) -> list[str]:
    """Returns what was matched, what was left over, and what anchors that were held out say of it.

    Args:
        pairs: number of images with a caption.
        task: what was to be matched.
        held_out: share of held-out anchors that were matched correctly by the method asked for and then by others;
            None where there were too few.
    """
    accuracy, *others = held_out.values()
    images, captions, anchors = len(task.images), len(task.captions.texts), len(task.anchors.images)
    lines = [f"matched: {pairs} pairs; left over: {images - pairs} images, {captions - pairs} captions"]
    if task.known_lines or task.captions.empty:
        lines.append(f"left out: {task.known_lines} lines with captions of anchors, {task.captions.empty} empty lines")
    if accuracy is None:
        lines.append(f"held-out anchors: none, for {anchors} are fewer than {MIN_HELD_OUT}")
    else:
        candidates = max(images, captions) + anchors // FOLDS
        shares = f"{accuracy:.0%} of {anchors} matched correctly, chance {1 / candidates:.1%}"
        rivals = ", ".join(f"{name} {share:.0%}" for name, share in zip([*held_out][1:], others, strict=True))
        lines += [f"held-out anchors: {shares}".replace("%", " %"), f"other methods: {rivals}".replace("%", " %")]
    return lines
