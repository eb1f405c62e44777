"""One training from its first step, or from its checkpoint, to its end."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from ligature.store.hashing import hash_values
from ligature.training.checkpoint import Checkpoint
from ligature.training.distributed import Processes, join_processes
from ligature.training.journal import Journal
from ligature.training.loop import TrainingLoop, Validate
from ligature.training.runtime import Runtime
from ligature.training.weights import hash_weights

Result = TypeVar("Result")


def run_training(
    make_loop: Callable[[Processes], TrainingLoop],
    finish: Callable[[TrainingLoop], Result],
    write: Callable[[Result, Checkpoint], None],
    *,
    runtime: Runtime,
    run_folder: Path | str | None,
    validate: Validate | None,
    what: str,
    keep_checkpoint: bool = False,
) -> Result:
    """Runs a training on the processes that torchrun started, or alone, and writes its results once.

    A training that was killed goes on from the checkpoint in its folder; one of another training is passed over with
    a printed line. PyTorch's global generator is left as it was.

    Args:
        make_loop: makes the loop, the same on every process.
        finish: makes the result of a loop that has ended.
        write: writes the result into the checkpoint's ``run_folder``; called by process 0 alone.
        runtime: device and all else that does not change what is learned.
        run_folder: of this training alone; nothing is written where it is None.
        validate: measures the model at the end of epochs, on process 0.
        what: the label of the progress display.
        keep_checkpoint: leave the state of the last step there, for a training that is part of a longer one.

    Raises:
        ParamsError: if what is given does not fit together.
        TrainingError: if the loss or a metric is not finite, if the loss does not fall, or if processes start from
            different states.
        SystemExit: if SIGTERM came, after the step in progress has been finished and saved.
    """
    processes = join_processes(runtime.device)
    with torch.random.fork_rng(devices=[processes.device] if processes.device.type == "cuda" else []):
        loop = make_loop(processes)
        checkpoint = None
        if run_folder is not None:
            checkpoint = Checkpoint(run_folder, loop.fingerprint, leads=processes.leads)
            checkpoint.restore(loop.state)
        if processes.size > 1:
            processes.check_equal(_hash_start(loop))
        if processes.leads:
            with Journal(loop.state, checkpoint, loop.settings, runtime, processes) as journal:
                loop.run(validate, journal.begin(what, loop.total_steps))
        else:
            loop.run(None, None)
        result = finish(loop)
    if checkpoint is not None and processes.leads:
        write(result, checkpoint)
        checkpoint.save(loop.state) if keep_checkpoint else checkpoint.remove()
    processes.wait()
    return result


def _hash_start(loop: TrainingLoop) -> str:
    """Returns a hash of what every process must share: all that decides the results, the step and the weights."""
    return hash_values([loop.fingerprint, loop.state.step, hash_weights(loop.state.model)])
