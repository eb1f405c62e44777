"""Checkpoints of an unfinished training: atomic, checked against the training they belong to."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from ligature.progress import say
from ligature.store.atomic import replacing
from ligature.training.weights import trained_weights


@dataclass
class TrainingState:
    """All that changes during a training; batches and dropout follow from the seed and the step."""

    model: nn.Module
    optimizer: Optimizer
    scaler: GradScaler
    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


class Checkpoint:
    """The checkpoint of one training in ``run_folder/checkpoint``.

    Attributes:
        run_folder: the folder of the training; of its processes, only the leading one writes there.
        fingerprint: all that decides the results, as JSON values.
        leads: whether this process is the leading one.
    """

    def __init__(self, run_folder: Path | str, fingerprint: dict[str, Any], *, leads: bool = True) -> None:
        """Takes the folder and a fingerprint that JSON can hold."""
        self.run_folder = Path(run_folder)
        self.fingerprint = json.loads(json.dumps(fingerprint))
        self.leads = leads

    @property
    def path(self) -> Path:
        """The file with the state."""
        return self.run_folder / "checkpoint" / "state.pt"

    def save(self, state: TrainingState) -> None:
        """Writes the state, in place of the one before; weights that are not trained are left out."""
        content = {
            "fingerprint": self.fingerprint,
            "step": state.step,
            "history": state.history,
            "model": trained_weights(state.model),
            "optimizer": state.optimizer.state_dict(),
            "scaler": state.scaler.state_dict(),
        }
        with replacing(self.path) as temporary:
            torch.save(content, temporary)

    def restore(self, state: TrainingState) -> None:
        """Brings ``state`` to the saved one; says in one line why not, where there is one that does not fit."""
        if self.leads:
            for partial in self.run_folder.rglob(".*.partial"):
                partial.unlink()
        if not self.path.exists():
            return
        content, reason = self._read()
        if reason:
            self._say(f"{reason}; training starts anew")
            return
        state.model.load_state_dict(state.model.state_dict() | content["model"])
        state.optimizer.load_state_dict(content["optimizer"])
        state.scaler.load_state_dict(content["scaler"])
        state.step, state.history = content["step"], content["history"]
        self._say(f"training goes on after step {state.step}")

    def remove(self) -> None:
        """Deletes the checkpoint folder."""
        shutil.rmtree(self.path.parent, ignore_errors=True)

    def _say(self, message: str) -> None:
        if self.leads:
            say(f"{self.path}: {message}")

    def _read(self) -> tuple[dict[str, Any], str]:
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError):
            return {}, "the checkpoint cannot be read"
        before, now = content["fingerprint"], self.fingerprint
        changed = [key for key in now | before if before.get(key) != now.get(key)]
        differences = ", ".join(f"{key} was {before.get(key)!s:.12}, is {now.get(key)!s:.12}" for key in changed)
        return content, f"the checkpoint is of another training ({differences})" if changed else ""
