"""Curves of a training in TensorBoard, DVCLive or Weights & Biases; a step is logged once, also by resumed runs."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ligature.errors import ParamsError
from ligature.store.atomic import write_text


class Tracker(Protocol):
    """A place that keeps a series of values by step.

    Attributes:
        last_step: the last step that it already holds, 0 for none.
    """

    last_step: int

    def log(self, step: int, values: dict[str, float]) -> None:
        """Adds the values of one step."""

    def close(self) -> None:
        """Writes what is not yet written."""


class TensorBoard:
    """Event files for TensorBoard."""

    def __init__(self, folder: Path, resumed: bool) -> None:
        """Opens the folder and, if ``resumed``, reads up to where it got."""
        from torch.utils.tensorboard import SummaryWriter

        self.last_step = _last_event(folder) if resumed else 0
        self._writer = SummaryWriter(str(folder))

    def log(self, step: int, values: dict[str, float]) -> None:
        """Adds the values of one step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Writes what is not yet written."""
        self._writer.close()


class DVCLive:
    """Plain tables for DVCLive; no DVC command runs and no DVC file is written."""

    def __init__(self, folder: Path, resumed: bool) -> None:
        """Opens the folder and, if ``resumed``, reads up to where it got."""
        from dvclive import Live

        self._live = Live(dir=str(folder), resume=resumed, report=None, save_dvc_exp=False, dvcyaml=None)
        self.last_step = self._live.read_step() if resumed else 0

    def log(self, step: int, values: dict[str, float]) -> None:
        """Adds the values of one step."""
        self._live.step = step
        for name, value in values.items():
            self._live.log_metric(name, value)
        self._live.make_summary()

    def close(self) -> None:
        """Writes what is not yet written."""
        self._live.end()


class WandB:
    """A run of Weights & Biases, whose id stands in ``run_id``; where it is sent is wandb's own configuration."""

    def __init__(self, folder: Path, resumed: bool) -> None:
        """Opens a new run or, if ``resumed``, the one before; what wandb holds of later steps, it keeps."""
        import wandb

        known = folder / "run_id"
        before = known.read_text(encoding="utf-8").strip() if resumed and known.is_file() else None
        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(project="ligature", dir=str(folder), id=before, resume="allow" if before else None)
        write_text(known, f"{self._run.id}\n")
        self.last_step = max(self._run.step - 1, 0) if before else 0

    def log(self, step: int, values: dict[str, float]) -> None:
        """Adds the values of one step."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """Writes what is not yet written."""
        self._run.finish()


_TRACKERS: dict[str, Callable[[Path, bool], Tracker]] = {
    "tensorboard": TensorBoard,
    "dvclive": DVCLive,
    "wandb": WandB,
}


class Tracking:
    """All trackers of a training."""

    def __init__(self, names: Sequence[str], log_folder: Path | None, step: int) -> None:
        """Opens the trackers in ``log_folder/<name>``; at ``step`` 0 what an earlier training left there is deleted.

        Raises:
            ParamsError: if the package of a tracker is missing.
        """
        self._trackers: list[Tracker] = []
        for name in names:
            folder = Path(log_folder) / name
            if step == 0:
                shutil.rmtree(folder, ignore_errors=True)
            try:
                self._trackers.append(_TRACKERS[name](folder, step > 0))
            except ModuleNotFoundError as error:
                raise ParamsError(
                    f"tracker {name!r} needs the package {error.name}: pip install {error.name}, or leave {name} out"
                ) from error

    def log(self, step: int, values: dict[str, float]) -> None:
        """Adds the values of a step wherever it is not yet logged."""
        for tracker in self._trackers:
            if step > tracker.last_step:
                tracker.log(step, values)

    def close(self) -> None:
        """Closes all trackers."""
        for tracker in self._trackers:
            tracker.close()


def _last_event(folder: Path) -> int:
    """Returns the last step in the event files of ``folder``, 0 for none; what a kill cut off is passed over."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    files = sorted(folder.glob("events.out.tfevents.*"))
    return max((event.step for file in files for event in EventFileLoader(str(file)).Load()), default=0)
