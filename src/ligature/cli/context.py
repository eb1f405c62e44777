"""What every verb shares: the study, where results live, and how to run."""

from pathlib import Path
from typing import Annotated

import typer

from ligature.errors import ParamsError
from ligature.params import load_study
from ligature.store import Layout

ParamsOption = Annotated[Path, typer.Option("--params", help="Study file.", envvar="LIGATURE_PARAMS")]
ResultsOption = Annotated[Path, typer.Option("--results", help="Folder of all studies' results.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads of the computation.")]


def usable_device(name: str) -> str:
    """Returns the name of a device, after a look whether it is there.

    Raises:
        ParamsError: for a GPU that this machine, or this job, does not have.
    """
    if name.startswith("cuda"):
        import torch

        if not torch.cuda.is_available():
            raise ParamsError(f"device is {name!r}, but torch sees no CUDA GPU here: use cpu")
    return name


DeviceOption = Annotated[
    str,
    typer.Option(
        "--device", help="Where to compute: cpu, cuda, cuda:1.", envvar="LIGATURE_DEVICE", callback=usable_device
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option("--precision", help="float32, or bfloat16 or float16 under autocast.", envvar="LIGATURE_PRECISION"),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=0, help="Processes that decode images ahead of the model.")
]

PARAMS = Path("params.yaml")
RESULTS = Path("results")


def open_layout(params: Path, results: Path, threads: int | None = None) -> Layout:
    """Reads the study and sets the number of threads of the computation, where a verb computes."""
    layout = Layout(load_study(params), results)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return layout
