"""What torchrun starts in tests: one process of a pre-training on coloured pictures; arguments are a JSON object."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from coloured_pairs import ALIGNED, SHARED, coloured_pairs, make_config, make_tokenizer

from ligature.pretraining import AlignmentSettings, pretrain
from ligature.training import Runtime


def run_worker(options: dict) -> None:
    """Trains as ``options`` say: ``folder``, ``pictures``, and changes of settings, loss and runtime."""
    rank = int(os.environ.get("RANK", "0"))
    pairs = coloured_pairs(Path(options["pictures"]) / str(rank))
    tokenizer = make_tokenizer(pairs)
    loss = {"separate": ("image", "text")} | options.get("loss", {})
    settings = replace(ALIGNED, loss=AlignmentSettings(**loss), **options.get("settings", {}))
    config, runtime = make_config(tokenizer, shared=SHARED), Runtime(**options.get("runtime", {}))
    validate = {"rank": float(rank)}
    pretrain(config, pairs, tokenizer, settings, options["folder"], validate=lambda model: validate, runtime=runtime)


if __name__ == "__main__":
    run_worker(json.loads(sys.argv[1]))
