"""The tiny study as plain values, whole and cut down."""

from pathlib import Path

import yaml

TINY = Path(__file__).parents[1] / "studies" / "tiny.yaml"
NO_CURATION = {
    "sources": {},
    "curate": None,
    "download": None,
    "mixes": {},
    "ablation": None,
    "sweep": None,
    "matching": None,
    "captioning": None,
}
"""Without curation, and without what else a study need not have."""


def tiny_values() -> dict:
    """Returns the whole study."""
    return yaml.safe_load(TINY.read_text(encoding="utf-8"))


def without_pretraining(values: dict) -> dict:
    """Returns a study that trains no encoders from scratch, without those that come of it, and captions nothing."""
    encoders = {
        side: [entry for entry in entries if entry["loader"] != "contrastive"]
        for side, entries in values["encoders"].items()
    }
    pairs = values["pairs"] | {"vision": None, "text": None}
    evaluate = values["evaluate"] | {"baselines": []}
    return values | {
        "pretraining": None,
        "captioning": None,
        "encoders": encoders,
        "pairs": pairs,
        "evaluate": evaluate,
    }


def projection_values() -> dict:
    """Returns the study with nothing but encoder pairs and a projector: no curation, sweep, matching, pre-training."""
    return without_pretraining(tiny_values()) | NO_CURATION


def light_values() -> dict:
    """Returns the study with the two encoders that are not models, and its curation."""
    values = without_pretraining(tiny_values())
    values["encoders"] = {side: encoders[:1] for side, encoders in values["encoders"].items()}
    values["pairs"]["choose"] = values["evaluate"]["segmentation"] = values["sweep"] = None
    return values
