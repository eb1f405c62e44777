"""What torchrun starts in tests: one process of a training on planted pairs; arguments are a JSON object."""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from synthetic_pairs import CONFIG, planted_pairs

from ligature.projection import TrainSettings, train
from ligature.training.losses import LossSettings
from ligature.training.runtime import Runtime

SETTINGS = TrainSettings(epochs=4, batch_size=24, warmup_steps=3, learning_rate=3e-3, checkpoint_every_steps=1)


def run_worker(options: dict) -> None:
    """Trains as ``options`` say: ``folder``, and changes of config, settings, loss and runtime."""
    rank = int(os.environ.get("RANK", "0"))

    def validate(model) -> dict[str, float]:
        time.sleep(options.get("validation_seconds", 0))
        return {"rank": float(rank)}

    data = planted_pairs(options.get("images", 96), draw=rank if options.get("other_data") else 0)
    config = replace(CONFIG, **options.get("config", {}))
    settings = replace(SETTINGS, loss=LossSettings(**options.get("loss", {})), **options.get("settings", {}))
    runtime = options.get("runtime", {})
    if "log_folder" in runtime:
        runtime = runtime | {"log_folder": Path(runtime["log_folder"])}
    train(config, data, settings, options["folder"], validate=validate, runtime=Runtime(**runtime))


if __name__ == "__main__":
    print(f"rank {os.environ.get('RANK', 0)} pid {os.getpid()}", flush=True)
    run_worker(json.loads(sys.argv[1]))
