"""How fast a model captions and trains, and what memory it takes: figures of a machine, no results."""

import json
import platform
import resource
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ligature.captioning import CaptionData, CaptionStage, VisionLanguageModel, train_captioning
from ligature.cli.captioning.connect import stage_settings
from ligature.cli.captioning.generating import Pace
from ligature.params.captioning import StageParams
from ligature.training import Runtime

STEPS = 4
"""Steps that are timed; their first is as slow as that of a training."""


def speed_figures(pace: Pace, peak_mib: float, step_seconds: float) -> dict[str, float]:
    """Returns images and tokens a second of captioning, seconds of a step of training and peak memory in MiB."""
    return {
        "images_per_second": pace.images / (pace.encoding + pace.generating),
        "tokens_per_second": pace.tokens / pace.generating,
        "step_seconds": step_seconds,
        "peak_mib": peak_mib,
    }


def peak_memory(device: torch.device) -> float:
    """Returns the most memory in MiB that this process has had: of the GPU, or of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)


def time_step(
    model: VisionLanguageModel, data: CaptionData, stage: StageParams, *, device: str, precision: str
) -> float:
    """Returns the seconds of a step of training, waiting for images left out: the mean of the first few.

    Args:
        model: as a training starts; its weights change.
        data: of the stage.
        stage: of the recipe.
        device: where it is trained.
        precision: float32, or bfloat16 or float16 under autocast.
    """
    few = data.subset(min(len(data), STEPS * stage.batch_size), 0)
    settings = stage_settings(stage.model_copy(update={"warmup_steps": 0}), 0, max_steps=STEPS)
    with TemporaryDirectory() as folder:
        runtime = Runtime(device=device, precision=precision, log_folder=Path(folder))
        train_captioning(model, [CaptionStage(few, settings)], runtime=runtime, what="time a step")
        account = _read_account(Path(folder))
    return (account["seconds"] - account["seconds_waiting_for_data"]) / account["steps"]


def _read_account(folder: Path) -> dict[str, float]:
    """Returns the account of compute that a training leaves in its folder of logs."""
    found: Sequence[Path] = sorted(folder.rglob("compute.json"))
    return json.loads(found[0].read_text(encoding="utf-8"))
