"""Hub ids, offline: a local cache in the Hub's own layout, read by a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_models import ARCHITECTURES, save_text_model

VISION_COMMIT, TEXT_COMMIT, PICKLE_COMMIT = "1" * 40, "2" * 40, "3" * 40

CHILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tiny_models import layout, minilm_params, picture, text_params, vision_params
from ligature.encoders import load_text_encoder, load_vision_encoder
from ligature.errors import EncoderError

def outcome(params):
    load = load_vision_encoder if hasattr(params, "image_size") else load_text_encoder
    try:
        encoder = load(params, layout())
    except EncoderError as error:
        return str(error)
    if load is load_vision_encoder:
        first = encoder.forward(encoder.preprocess(picture(0))[None]).pooled("cls")[0, 0]
    else:
        first = encoder.forward(["a red circle"]).pooled[0, 0]
    return [encoder.identity["source"], encoder.identity["revision"], round(float(first), 6)]

cases = {
    "vision": vision_params("org/vit"),
    "vision pinned": vision_params("org/vit", revision="1" * 40),
    "vision branch": vision_params("org/vit", revision="tested"),
    "vision folder": vision_params(sys.argv[2]),
    "text": text_params("org/bert"),
    "sentences": minilm_params(source="org/bert", revision="2" * 40),
    "unknown": vision_params("org/none"),
    "unknown commit": vision_params("org/vit", revision="9" * 40),
    "pickle": vision_params("org/pickle"),
    "no id": text_params("no id!"),
}
print(json.dumps({name: outcome(params) for name, params in cases.items()}))
"""


def add_to_cache(cache: Path, hub_id: str, commit: str, *branches: str) -> Path:
    """Makes room for a model in a cache of the Hub's layout and returns the folder of its snapshot."""
    model = cache / f"models--{hub_id.replace('/', '--')}"
    (model / "refs").mkdir(parents=True)
    for branch in ("main", *branches):
        (model / "refs" / branch).write_text(commit)
    snapshot = model / "snapshots" / commit
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    cache = tmp_path_factory.mktemp("hub")
    vit = ARCHITECTURES["vit"].saved(add_to_cache(cache, "org/vit", VISION_COMMIT, "tested"))
    save_text_model(add_to_cache(cache, "org/bert", TEXT_COMMIT))
    pickle = add_to_cache(cache, "org/pickle", PICKLE_COMMIT)
    (pickle / "config.json").write_bytes((vit / "config.json").read_bytes())
    (pickle / "pytorch_model.bin").write_bytes(b"never read")
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(vit)],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(child.stdout.splitlines()[-1])


def test_identity_is_the_commit(outcomes):
    source, commit, first = outcomes["vision"]
    assert (source, commit) == ("org/vit", VISION_COMMIT)
    assert outcomes["vision folder"][2] == first
    assert outcomes["text"][:2] == outcomes["sentences"][:2] == ["org/bert", TEXT_COMMIT]


@pytest.mark.parametrize("pinned", ["vision pinned", "vision branch"])
def test_a_pinned_revision_is_the_commit_it_stands_for(pinned, outcomes):
    assert outcomes[pinned] == outcomes["vision"]


@pytest.mark.parametrize("case", ["unknown", "unknown commit", "no id"])
def test_what_is_not_in_the_cache_is_one_line(case, outcomes):
    line = outcomes[case]
    assert line.startswith("encoder 'tiny': ")
    assert "neither a folder, nor to be had from the Hub or its local cache" in line
    assert "\n" not in line


def test_pickled_weights_of_the_hub_are_refused(outcomes):
    assert "lacks config.json or *.safetensors; only safetensors are read" in outcomes["pickle"]
