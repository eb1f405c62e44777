"""The gap study as it is shipped: the whole grid of variants, on a world of its own, and nothing else that is long."""

import re
from itertools import product
from pathlib import Path

import pytest

from ligature.params import load_study
from ligature.params.pretraining_checks import pretrained_runs

ROOT = Path(__file__).parents[2]
STUDY = load_study(ROOT / "studies/gap.yaml")
BLOCK = STUDY.pretraining
SCALES = {20.0, 50.0, 100.0, "clamped"}
UNSCALED = {"unscaled-100": 100.0, "unscaled-clamped": "clamped"}


def test_every_sharing_separation_and_temperature_is_a_run_with_three_seeds():
    grid = {name: run for name, run in BLOCK.points.items() if name not in UNSCALED}
    cells = [(run.sharing, run.separation, run.logit_scale) for run in grid.values()]
    assert set(cells) == set(product(("none", "all"), ("none", "image", "text", "both"), SCALES))
    assert len(cells) == len(set(cells)) == 32
    assert BLOCK.seeds == [0, 1, 2]
    assert len(pretrained_runs(STUDY)) == 3 * 34


def test_runs_of_the_grid_differ_in_nothing_but_its_keys():
    plain = {key: value for key, value in BLOCK.points["unscaled-100"].model_dump().items() if key != "rescaling"}
    for name, run in BLOCK.points.items():
        if name not in UNSCALED:
            same = run.model_copy(update={"sharing": "all", "separation": "image", "logit_scale": 100.0})
            assert {key: value for key, value in same.model_dump().items() if key != "rescaling"} == plain
            assert run.rescaling == "cosine"


@pytest.mark.parametrize("name", UNSCALED)
def test_the_separation_without_semantic_distance_stands_beside_its_like_in_the_grid(name):
    run = BLOCK.points[name]
    assert (run.rescaling, run.semantic, run.logit_scale) == ("none", False, UNSCALED[name])
    twin = BLOCK.points[f"sharing~all/separation~image/logit_scale~{UNSCALED[name]}"]
    assert twin.model_copy(update={"rescaling": "none"}) == run


def test_the_study_makes_its_own_data_and_asks_no_network():
    assert STUDY.world is not None
    assert all("{world}" in str(dataset.model_dump()) for dataset in STUDY.datasets.values())
    assert not any(dataset.resources for dataset in STUDY.datasets.values())
    sources = [encoder.source for encoder in [*STUDY.encoders.vision, *STUDY.encoders.text] if encoder.source]
    assert all(source.startswith("package:") for source in sources)
    assert BLOCK.tokenizer.source is None


def test_what_stands_outside_the_block_is_the_least_that_a_study_has():
    others = (STUDY.sources, STUDY.mixes, STUDY.curate, STUDY.download, STUDY.ablation, STUDY.sweep, STUDY.matching)
    assert not any(others)
    assert STUDY.train.epochs * 500 // STUDY.train.batch_size <= 50
    assert len(STUDY.encoders.vision) == len(STUDY.encoders.text) == 1


def test_batches_are_whole_and_the_warm_up_is_a_small_part_of_the_steps():
    pairs = STUDY.world.coco["train"]
    assert BLOCK.datasets == ["captions-train"]
    assert pairs % BLOCK.batch_size == 0
    assert BLOCK.warmup_steps <= pairs // BLOCK.batch_size * BLOCK.epochs / 10
    assert BLOCK.towers.image_size == STUDY.world.image_size


def test_every_kind_of_measure_is_taken_on_data_that_is_not_trained_on():
    measured = [BLOCK.validation, *BLOCK.retrieval, *BLOCK.classification, BLOCK.probe.test]
    assert len(BLOCK.retrieval) == 2
    assert not set(measured) & {*BLOCK.datasets, BLOCK.probe.train}


def test_the_make_target_runs_this_study_and_shows_it():
    (recipe,) = re.findall(r"^study-gap: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert "snakemake --cores $(CORES) --config params=studies/gap.yaml" in recipe
    assert "ligature show --params studies/gap.yaml" in recipe
