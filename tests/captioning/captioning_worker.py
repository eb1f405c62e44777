"""What torchrun starts in tests: one process of a training on coloured captions; arguments are a JSON object."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "encoders")]

from coloured_captions import coloured_captions, two_stages  # noqa: E402
from tiny_vlm import tiny_vlm  # noqa: E402

from ligature.captioning import train_captioning  # noqa: E402
from ligature.training import Runtime  # noqa: E402


def run_worker(options: dict) -> None:
    """Trains as ``options`` say: ``folder``, ``parts``, ``runtime``, and ``batch_size`` of all stages."""
    rank = os.environ.get("RANK", "0")
    data = coloured_captions(Path(options["parts"]) / "pictures" / rank)
    stages = [
        replace(stage, settings=replace(stage.settings, batch_size=options["batch_size"])) for stage in two_stages(data)
    ]
    model = tiny_vlm(Path(options["parts"]) / "model" / rank, loss="all", prompts=("what is there", "name it"))
    validate = {"rank": float(rank)}
    runtime = Runtime(**options.get("runtime", {}))
    train_captioning(model, stages, options["folder"], validate=lambda model: validate, runtime=runtime)


if __name__ == "__main__":
    run_worker(json.loads(sys.argv[1]))
