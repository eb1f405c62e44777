"""A small `pretraining` block as plain values, and the studies that have it."""

from typing import Any

import pytest
from study_values import REMOVED, STUDY, changed

from ligature.errors import ParamsError
from ligature.params import parse_study
from ligature.params.pretraining import PretrainingParams

TOWERS = {"image_size": 16, "patch_size": 8, "width": 32, "layers": 2, "heads": 4, "embed_dim": 16}
BLOCK = {
    "datasets": ["captions"],
    "validation": "sentences",
    "semantics": "words",
    "tokenizer": {"vocabulary": 300},
    "towers": TOWERS,
    "epochs": 2,
    "batch_size": 4,
    "seeds": [0, 1],
    "classification": ["labels"],
    "retrieval": ["sentences"],
    "probe": {"train": "labels", "test": "labels"},
    "runs": {"clip": {}},
}


def block_of(**block: Any) -> PretrainingParams:
    """Returns the block of a study with these values."""
    return parse_study(changed(pretraining={**BLOCK, **block}), "study.yaml").pretraining


def wrong(base: dict = STUDY, places: dict | tuple = (), **block: Any) -> str:
    """Returns the line with which a study is refused: with values of the block, or other places of the study."""
    values = {key: value for key, value in {**BLOCK, **block}.items() if value is not REMOVED}
    with pytest.raises(ParamsError) as caught:
        parse_study(changed(base=base, pretraining=values, **dict(places)), "study.yaml")
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("study.yaml: ")
    return line.removeprefix("study.yaml: ")
