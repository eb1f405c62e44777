"""The study that is hurt: the tiny one with fewer jobs a rule, but a job of every rule that needs no network."""

import yaml
from study_project import ROOT

ENCODERS = {"vision": "vit-untrained", "text": "bag-of-words"}
EXPERIMENT = {
    "base": "captions-train",
    "query": "labels-val",
    "vision": [ENCODERS["vision"]],
    "text": [ENCODERS["text"]],
    "methods": ["local-cka-linear"],
    "base_sizes": [32],
    "queries": None,
    "query_draws": 1,
}


def fault_study() -> dict:
    """Returns the values of the study."""
    values = yaml.safe_load((ROOT / "tests/studies/tiny.yaml").read_text(encoding="utf-8"))
    for side, name in ENCODERS.items():
        values["encoders"][side] = [entry for entry in values["encoders"][side] if entry["name"] == name]
    values["datasets"]["captions-train"]["parts"] = 1
    values["pairs"] |= {"choose": None, "vision": None, "text": None}
    values["evaluate"]["baselines"] = []
    values["pretraining"] |= {"mix": "class-collected", "semantics": ENCODERS["text"], "grid": {}}
    values["train"]["epochs"] = 4
    values["download"]["chunks"] = 1
    values["sources"]["laion"]["parts"] = 1
    values["mixes"] = {"class-collected": {"sets": ["collected"]}}
    values["sweep"] |= {**ENCODERS, "seeds": [0], "runs": {"token-token-token-mlp": {}}}
    values["matching"] = {"samples": 2, "experiments": {"classes": EXPERIMENT}}
    values["embed"]["shard_rows"] = 50
    return values
