"""Options that say how to run and never what to compute; a profile sets them, by option or environment variable."""

from pathlib import Path
from typing import Annotated

import typer

from ligature.training import Runtime

MicroBatchOption = Annotated[
    int | None,
    typer.Option(min=1, help="Pairs that are encoded at once; all by default.", envvar="LIGATURE_MICRO_BATCH"),
]
CompileOption = Annotated[bool, typer.Option("--compile", help="Use torch.compile.", envvar="LIGATURE_COMPILE")]
CheckpointActivationsOption = Annotated[
    bool,
    typer.Option(
        "--checkpoint-activations",
        help="Keep less of the forward pass and run it again backward.",
        envvar="LIGATURE_CHECKPOINT_ACTIVATIONS",
    ),
]
TrackOption = Annotated[
    str,
    typer.Option(help="Where to log to: tensorboard, dvclive, wandb, with commas.", envvar="LIGATURE_TRACK"),
]
LogFolderOption = Annotated[Path | None, typer.Option(help="Folder of logs: trackers and the account of compute.")]
CheckpointOption = Annotated[
    float, typer.Option(min=1, help="Seconds between two checkpoints.", envvar="LIGATURE_CHECKPOINT_SECONDS")
]

TRACKERS = "tensorboard,dvclive"


def make_runtime(
    *,
    device: str = "cpu",
    precision: str = "float32",
    micro_batch: int | None = None,
    compiled: bool = False,
    checkpoint_activations: bool = False,
    track: str = "",
    log_folder: Path | None = None,
) -> Runtime:
    """Returns the options as the training takes them; without a log folder nothing is tracked."""
    trackers = tuple(name.strip() for name in track.split(",") if name.strip()) if log_folder else ()
    return Runtime(
        device=device,
        precision=precision,
        micro_batch=micro_batch,
        compiled=compiled,
        checkpoint_activations=checkpoint_activations,
        trackers=trackers,
        log_folder=log_folder,
    )
