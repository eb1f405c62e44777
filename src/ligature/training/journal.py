"""What process 0 does between steps: progress, trackers, checkpoints and the account of compute."""

import time
from contextlib import ExitStack
from typing import Any

from ligature.progress import Progress, say
from ligature.training.checkpoint import Checkpoint, TrainingState
from ligature.training.compute import ComputeLedger
from ligature.training.distributed import Processes
from ligature.training.runtime import Runtime
from ligature.training.settings import Schedule
from ligature.training.tracking import Tracking


class Journal:
    """The record of one training, from its state's step on; nothing in it changes a result."""

    def __init__(
        self,
        state: TrainingState,
        checkpoint: Checkpoint | None,
        settings: Schedule,
        runtime: Runtime,
        processes: Processes,
    ) -> None:
        """Takes the state as it was restored and where it is saved, if anywhere."""
        self._state, self._checkpoint, self._settings = state, checkpoint, settings
        self._runtime, self._processes = runtime, processes
        self._ledger: ComputeLedger | None = None
        self._open = ExitStack()

    def begin(self, what: str, total_steps: int) -> "Journal":
        """Opens display, trackers and account; use the journal in a ``with`` block.

        Raises:
            ParamsError: if the package of a tracker is missing.
            TrainingError: if the account of the runs before cannot be read.
        """
        step, folder = self._state.step, self._runtime.log_folder
        self._tracking = Tracking(self._runtime.trackers, folder, step)
        self._open.callback(self._tracking.close)
        if folder is not None:
            self._ledger = ComputeLedger(
                folder / "compute.json",
                resumed=step > 0,
                processes=self._processes,
                precision=self._runtime.precision,
            )
            self._open.callback(self._ledger.write)
        self._progress = self._open.enter_context(Progress(what, total_steps, "steps", done=step))
        self._last_step = self._last_save = time.monotonic()
        return self

    def __enter__(self) -> "Journal":
        """Returns itself, so that a ``with`` block closes everything."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes display and trackers, and writes the account: an error does not make good what was spent."""
        self._open.close()

    def note(self, row: dict[str, Any], samples: int, waited: float) -> None:
        """Records a finished step, and saves the state where that is due.

        Args:
            row: the step's row of the history.
            samples: pairs of the step.
            waited: seconds of this run in which features were waited for.
        """
        now = time.monotonic()
        values = {key: value for key, value in row.items() if key != "step"}
        self._tracking.log(row["step"], values | {"samples_per_second": samples / max(now - self._last_step, 1e-9)})
        self._last_step = now
        if self._ledger is not None:
            self._ledger.waited = waited
            self._ledger.add_step(samples)
        every = self._settings.checkpoint_every_steps
        if now - self._last_save >= self._settings.checkpoint_every_seconds or (every and row["step"] % every == 0):
            self.save()
        self._progress.update(note=f"loss {row['train_loss']:.4f}")

    def save(self) -> None:
        """Writes checkpoint and account."""
        if self._checkpoint is not None:
            self._checkpoint.save(self._state)
        if self._ledger is not None:
            self._ledger.write()
        self._last_save = time.monotonic()

    def stop(self) -> None:
        """Saves and says so, for a training that was asked to end."""
        self.save()
        saved = "nothing is saved" if self._checkpoint is None else "the same command goes on from there"
        say(f"stopped by SIGTERM after step {self._state.step}; {saved}")
