"""The `pretraining` block: its runs, its grid, and what must fit together in it."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretraining_values import BLOCK, TOWERS, block_of, wrong
from pydantic import ValidationError
from study_values import REMOVED, STUDY

from ligature.params import parse_study, study_schema
from ligature.params.pretraining import GRID_KEYS, SHARED_PARTS, PretrainingRun, TowersParams
from ligature.params.pretraining_checks import pretrained_runs


def test_a_plain_block_has_the_published_defaults():
    block = block_of()
    run = block.points["clip"]
    assert (run.sharing, run.separation, run.logit_scale, run.alpha, run.beta) == ("none", "none", "clamped", 1.0, None)
    assert (block.beta2, block.eps, block.weight_decay, block.crop) == (0.98, 1e-6, 0.1, [0.9, 1.0])
    assert block.towers.text_width is None
    assert block.towers.context_length == 77
    assert block.gap_every_epochs == 1
    assert block.probe.penalties == sorted(block.probe.penalties)


def test_a_study_without_the_block_pretrains_nothing():
    study = parse_study(STUDY, "study.yaml")
    assert study.pretraining is None
    assert pretrained_runs(study) == []


SHARINGS = {
    "none": (),
    "all": ("blocks", "norm", "projection"),
    "blocks": ("blocks",),
    "norm-blocks": ("blocks", "norm"),
    "projection-blocks": ("blocks", "projection"),
    "blocks-norm-projection": ("blocks", "norm", "projection"),
}


@pytest.mark.parametrize("sharing", SHARINGS)
def test_shared_parts_come_in_one_order(sharing):
    assert PretrainingRun(sharing=sharing).shared == SHARINGS[sharing]


@pytest.mark.parametrize("sharing", ["", "some", "all-blocks", "none-norm", "blocks-", "-blocks", "blocks,norm"])
def test_parts_that_cannot_be_shared_are_refused(sharing):
    assert "pretraining.runs.run.sharing: got" in wrong(runs={"run": {"sharing": sharing}})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(SHARED_PARTS), min_size=1, unique=True))
def test_every_choice_of_parts_can_be_shared(parts):
    assert PretrainingRun(sharing="-".join(parts)).shared == tuple(part for part in SHARED_PARTS if part in parts)


@pytest.mark.parametrize("rescaling", ["cosine", "exponent", "none"])
@pytest.mark.parametrize("separation", ["none", "image", "text", "both"])
def test_semantic_vectors_are_needed_where_something_is_separated_and_rescaled(separation, rescaling):
    if separation == "none":
        assert not PretrainingRun().semantic
    else:
        run = PretrainingRun(separation=separation, rescaling=rescaling)
        assert run.semantic == (rescaling != "none")


@pytest.mark.parametrize("setting", [{"rescaling": "exponent"}, {"objective": "halved"}, {"beta": 0.3}])
def test_a_setting_of_the_separation_without_one_is_refused(setting):
    (key,) = setting
    line = wrong(runs={"run": setting})
    assert line.startswith(f"pretraining.runs.run: {key} has no effect with separation 'none'; remove it")
    assert block_of(runs={"run": setting | {"separation": "image"}}).points["run"].separation == "image"


@pytest.mark.parametrize("setting", [{"rescaling": "cosine"}, {"objective": "published"}, {"beta": None}])
def test_the_default_of_such_a_setting_may_be_written_out(setting):
    assert block_of(runs={"run": setting}).points["run"] == PretrainingRun()


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"separation": "images"}, "separation: got 'images'"),
        ({"separation": "image", "rescaling": "weight"}, "rescaling: got 'weight'"),
        ({"separation": "image", "objective": "mean"}, "objective: got 'mean'"),
        ({"alpha": 0}, "alpha: got 0"),
        ({"separation": "image", "beta": 0}, "beta: got 0"),
        ({"logit_scale": 0}, "logit_scale: got 0; give a number above 0, up to 1000, or 'clamped' or 'learned'"),
        ({"logit_scale": 2000}, "logit_scale: got 2000"),
        ({"logit_scale": "free"}, "logit_scale: got 'free'"),
        ({"temperature": 0.07}, "temperature: unknown key"),
    ],
)
def test_a_value_that_no_run_can_have_is_one_line_with_its_key(run, reason):
    assert f"pretraining.runs.run.{reason}" in wrong(runs={"run": run})


@pytest.mark.parametrize("scale", ["clamped", "learned", 20, 14.3, 1000])
def test_a_logit_scale_is_a_number_or_learned(scale):
    assert PretrainingRun(logit_scale=scale).logit_scale == scale


def test_a_grid_is_every_combination_with_a_path_for_its_name():
    block = block_of(grid={"sharing": ["none", "all"], "separation": ["none", "image"], "logit_scale": [20, "clamped"]})
    names = [f"sharing~{a}/separation~{b}/logit_scale~{c}" for a, b, c in product(*block.grid.values())]
    assert list(block.points) == ["clip", *names]
    point = block.points["sharing~all/separation~image/logit_scale~20.0"]
    assert (point.shared, point.separation, point.logit_scale) == (SHARED_PARTS, "image", 20.0)


def test_combinations_that_differ_in_nothing_but_settings_without_effect_are_one_run():
    grid = {"separation": ["none", "image"], "rescaling": ["cosine", "none"], "beta": [0.25, 0.5]}
    block = block_of(grid=grid, runs={})
    separated = [name for name in block.points if name.startswith("separation~image/")]
    assert list(block.points) == ["separation~none", *separated]
    assert len(separated) == 4
    assert block.points["separation~none"] == PretrainingRun()
    assert len(set(map(repr, block.points.values()))) == len(block.points)


def test_a_grid_without_separation_has_no_settings_of_it():
    block = block_of(grid={"sharing": ["none", "all"], "beta": [0.25, 0.5]}, runs={})
    assert list(block.points) == ["sharing~none", "sharing~all"]


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ({"epochs": [1, 2]}, "pretraining.grid: unknown key 'epochs'; known: sharing, separation, rescaling"),
        ({"sharing": []}, "pretraining.grid: sharing: no values"),
        ({"sharing": ["all", "all"]}, "pretraining.grid: sharing: all stands twice"),
        ({"sharing": ["everything"]}, "pretraining.grid: sharing: got 'everything'"),
        ({"separation": ["left"]}, "pretraining.grid: separation: got 'left'"),
        ({"beta": [0]}, "pretraining.grid: beta: got 0"),
        ({"beta": [None]}, "pretraining.grid: beta: got None"),
        (
            {"logit_scale": [-1]},
            "pretraining.grid: logit_scale: got -1; give a number above 0, up to 1000, or 'clamped'",
        ),
        ({"alpha": list(range(1, 102)), "logit_scale": list(range(1, 11))}, "1,010 combinations; at most 1,000"),
    ],
)
def test_a_mistake_in_the_grid_is_one_line_that_names_the_key(grid, reason):
    assert reason in wrong(grid=grid)


def test_the_schema_offers_the_keys_of_a_grid():
    grid = json.loads(study_schema())["$defs"]["PretrainingParams"]["properties"]["grid"]
    assert grid["propertyNames"]["enum"] == list(GRID_KEYS) == list(PretrainingRun.model_fields)


UNFIT = {
    "no run": ({"runs": {}}, "pretraining: nothing runs; name a run, or give a grid"),
    "no data": ({"datasets": []}, "pretraining: give exactly one of datasets and mix"),
    "data twice": ({"mix": "both"}, "pretraining: give exactly one of datasets and mix"),
    "set twice": ({"datasets": ["captions"] * 2}, "pretraining: datasets: ['captions', 'captions'] names one twice"),
    "rising rate": ({"min_learning_rate": 1}, "pretraining: min_learning_rate 1.0 is above learning_rate 0.001"),
    "crop upside down": ({"crop": [1.0, 0.9]}, "pretraining: crop: 1.0 is above 0.9"),
    "crop of one number": ({"crop": [0.9]}, "pretraining.crop: got [0.9]"),
    "crop of nothing": ({"crop": [0, 1]}, "pretraining.crop.0: got 0"),
    "crop beyond the image": ({"crop": [0.9, 1.1]}, "pretraining.crop.1: got 1.1"),
    "single pairs": ({"batch_size": 1}, "pretraining.batch_size: got 1"),
    "no seed": ({"seeds": []}, "pretraining.seeds: got []"),
    "seed twice": ({"seeds": [0, 1, 0]}, "pretraining: seeds: [0, 1, 0] names one twice"),
    "no epoch": ({"epochs": 0}, "pretraining.epochs: got 0"),
    "no retrieval": ({"retrieval": []}, "pretraining.retrieval: got []"),
    "no validation": ({"validation": REMOVED}, "pretraining.validation: missing"),
    "no tokenizer": ({"tokenizer": {}}, "pretraining.tokenizer: give exactly one of vocabulary and source"),
    "tokenizer twice": (
        {"tokenizer": {"vocabulary": 300, "source": "openai/clip-vit-base-patch16"}},
        "pretraining.tokenizer: give exactly one of vocabulary and source",
    ),
    "revision of no source": (
        {"tokenizer": {"vocabulary": 300, "revision": "57c2164"}},
        "pretraining.tokenizer: revision '57c2164' is a commit of a source's; remove it, or name the source",
    ),
    "vocabulary below the bytes": ({"tokenizer": {"vocabulary": 256}}, "pretraining.tokenizer.vocabulary: got 256"),
    "no penalty": ({"probe": {**BLOCK["probe"], "penalties": []}}, "pretraining.probe.penalties: got []"),
    "penalty of nothing": ({"probe": {**BLOCK["probe"], "penalties": [0]}}, "pretraining.probe.penalties.0: got 0"),
    "patches that do not fit": (
        {"towers": {**TOWERS, "patch_size": 5}},
        "pretraining.towers: patch_size 5 does not divide image_size 16",
    ),
    "heads that do not fit": (
        {"towers": {**TOWERS, "heads": 5}},
        "pretraining.towers: heads 5 does not divide width 32",
    ),
    "heads of the text that do not fit": (
        {"towers": {**TOWERS, "text_width": 30}},
        "pretraining.towers: text_heads 4 does not divide text_width 30",
    ),
    "space without a plane": ({"towers": {**TOWERS, "embed_dim": 1}}, "pretraining.towers.embed_dim: got 1"),
    "context of two tokens": (
        {"towers": {**TOWERS, "context_length": 2}},
        "pretraining.towers.context_length: got 2",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_values_that_do_not_fit_are_one_line_with_their_key(case):
    block, reason = UNFIT[case]
    assert wrong(**block).startswith(reason)


@pytest.mark.parametrize("key", ["width", "layers", "heads"])
def test_towers_that_share_are_alike(key):
    towers = {**TOWERS, f"text_{key}": {"width": 64, "layers": 3, "heads": 2}[key]}
    line = wrong(towers=towers, runs={"clip": {}, "shared": {"sharing": "norm"}})
    assert line == f"pretraining: towers.text_{key}: run 'shared' shares norm, so both towers are alike"
    assert block_of(towers=towers).points["clip"].sharing == "none"
    same = {**TOWERS, f"text_{key}": TOWERS[key]}
    assert block_of(towers=same, runs={"shared": {"sharing": "all"}}).towers == TowersParams(**same)


def test_a_grid_that_shares_is_held_against_the_towers_too():
    line = wrong(towers={**TOWERS, "text_layers": 3}, grid={"sharing": ["none", "blocks"]})
    assert "towers.text_layers: run 'sharing~blocks' shares blocks" in line


@pytest.mark.parametrize("runs", [{"align": {"separation": "both"}}, {}])
def test_rescaling_without_a_semantic_encoder_is_one_line(runs):
    grid = {} if runs else {"sharing": ["all"], "separation": ["none", "text"]}
    name = "align" if runs else "sharing~all/separation~text"
    line = wrong(semantics=None, runs=runs, grid=grid)
    assert line == f"pretraining: semantics: run {name!r} rescales by semantic distance; name a text encoder"


def test_without_rescaling_no_semantic_encoder_is_needed():
    runs = {"clip": {}, "plain": {"separation": "both", "rescaling": "none"}}
    assert block_of(semantics=None, runs=runs).semantics is None


def test_blocks_cannot_be_changed_once_read():
    block = block_of()
    with pytest.raises(ValidationError, match="frozen"):
        block.towers.width = 64
