"""What the `pretraining` block must agree on with the rest of a study, and the encoders that come of it."""

import pytest
from pretraining_values import BLOCK, wrong
from study_values import CURATION, STUDY, changed

from ligature.errors import ParamsError
from ligature.params import parse_study
from ligature.params.pretraining_checks import pretrained_runs, pretrained_source, pretraining_sets

PRETRAINED = {"loader": "contrastive", "source": "{pretraining}/clip/seed-1"}
MASKS = {"format": "masks", "images": "images", "masks": "masks/{id}.png"}

MISNAMED = {
    "training set": ({"datasets": ["nobody"]}, "pretraining.datasets: unknown dataset 'nobody'; known: captions"),
    "training set of masks": (
        {"datasets": ["captions", "masks"], "places": {"datasets__masks": MASKS}},
        "pretraining.datasets: dataset 'masks' has masks, not captions or classes",
    ),
    "mix": ({"datasets": [], "mix": "both"}, "pretraining.mix: unknown mix 'both'; known: none"),
    "validation": ({"validation": "nobody"}, "pretraining.validation or retrieval: unknown dataset 'nobody'"),
    "validation by labels": ({"validation": "labels"}, "pretraining.validation or retrieval: dataset 'labels' has"),
    "retrieval": ({"retrieval": ["nobody"]}, "pretraining.validation or retrieval: unknown dataset 'nobody'"),
    "classes": ({"classification": ["nobody"]}, "pretraining.classification or probe: unknown dataset 'nobody'"),
    "classes of captions": (
        {"classification": ["captions"]},
        "pretraining.classification or probe: dataset 'captions'",
    ),
    "probe": ({"probe": {"train": "nobody", "test": "labels"}}, "pretraining.classification or probe: unknown dataset"),
    "probe of captions": (
        {"probe": {"train": "labels", "test": "captions"}},
        "pretraining.classification or probe: dataset 'captions' has captions, not classes",
    ),
    "semantics": ({"semantics": "nobody"}, "pretraining.semantics: unknown encoder 'nobody'; known: words, bert"),
    "semantics of images": ({"semantics": "pixels"}, "pretraining.semantics: unknown encoder 'pixels'"),
}


@pytest.mark.parametrize("case", MISNAMED)
def test_what_the_study_does_not_have_is_one_line_with_what_there_is(case):
    block, reason = MISNAMED[case]
    assert wrong(**block).startswith(reason)


def test_labelled_data_sets_are_trained_on_beside_captioned_ones():
    study = parse_study(changed(pretraining={**BLOCK, "datasets": ["labels", "captions"]}), "study.yaml")
    assert pretraining_sets(study) == (["labels", "captions"], "proportional")


def test_downloaded_sets_and_mixes_are_trained_on_with_their_weights():
    curated = {**STUDY, **CURATION}
    one = parse_study(changed(base=curated, pretraining={**BLOCK, "datasets": ["clean"]}), "study.yaml")
    assert pretraining_sets(one) == (["clean"], "proportional")
    values = changed(
        base=curated, mixes__both__weights=[0.5, 0.5], pretraining={**BLOCK, "mix": "both", "datasets": []}
    )
    assert pretraining_sets(parse_study(values, "study.yaml")) == (["collected", "clean"], [0.5, 0.5])


def test_an_unknown_mix_is_one_line_with_those_there_are():
    line = wrong(base={**STUDY, **CURATION}, datasets=[], mix="neither")
    assert line == "pretraining.mix: unknown mix 'neither'; known: both"


def test_a_downloaded_set_serves_for_training_only():
    line = wrong(base={**STUDY, **CURATION}, validation="clean")
    assert line.startswith("pretraining.validation or retrieval: unknown dataset 'clean'")


def test_every_run_is_trained_with_every_seed():
    study = parse_study(changed(pretraining={**BLOCK, "grid": {"sharing": ["all"]}}), "study.yaml")
    assert pretrained_runs(study) == [("clip", 0), ("clip", 1), ("sharing~all", 0), ("sharing~all", 1)]
    assert pretrained_source("sharing~all", 1) == "{pretraining}/sharing~all/seed-1"


def test_a_training_may_serve_as_an_encoder_of_the_study():
    values = changed(pretraining=BLOCK, encoders__vision__1={"name": "own", **PRETRAINED, "pooling": "cls"})
    values["encoders"]["text"].append({"name": "own-text", **PRETRAINED})
    study = parse_study(values, "study.yaml")
    assert study.encoders.vision[1].source == study.encoders.text[2].source == pretrained_source("clip", 1)


@pytest.mark.parametrize("side", ["vision", "text"])
@pytest.mark.parametrize("source", ["clip/seed-7", "nobody/seed-0", "clip"])
def test_an_encoder_of_a_training_that_there_is_not_is_one_line(side, source):
    pooling = {"vision": "cls", "text": "own"}[side]
    encoder = {"name": "own", **PRETRAINED, "source": "{pretraining}/" + source, "pooling": pooling}
    line = wrong(places={f"encoders__{side}__1": encoder})
    known = "{pretraining}/clip/seed-0, {pretraining}/clip/seed-1"
    assert line == f"encoders.own.source: no such training '{{pretraining}}/{source}'; known: {known}"


def test_an_encoder_of_a_training_in_a_study_without_any_is_one_line():
    with pytest.raises(ParamsError) as caught:
        parse_study(changed(encoders__text__1={"name": "own", **PRETRAINED}), "study.yaml")
    assert str(caught.value).endswith("known: none, the study has no pretraining block")


def test_semantic_distance_from_the_pretraining_itself_is_one_line():
    line = wrong(semantics="own", places={"encoders__text__1": {"name": "own", **PRETRAINED}})
    assert line == "pretraining.semantics: 'own' comes of this pre-training itself; name another encoder"


def with_a_trained_vision_encoder(**places) -> dict:
    """Returns changes by which the second vision encoder comes of the run `clip`."""
    return {"encoders__vision__1": {"name": "own", "pooling": "cls", **PRETRAINED}} | places


def test_encoders_that_would_select_the_downloads_they_are_trained_on_are_one_line():
    mix = {"datasets": [], "mix": "both"}
    base = {**STUDY, **CURATION}
    line = wrong(base=base, places=with_a_trained_vision_encoder(), **mix)
    assert line.startswith("pairs: 'own' is trained on downloads that it would select; leave it out of pairs.vision")
    scorer = {"curate__scorer": {"vision": "own", "text": "words"}}
    line = wrong(base=base, places=with_a_trained_vision_encoder(**scorer), **mix)
    assert line == "curate.scorer: 'own' is trained on downloads that it would select; name another"


@pytest.mark.parametrize(
    ("places", "block"),
    [
        ({"pairs__vision": ["pixels"]}, {"datasets": [], "mix": "both"}),
        ({"curate__scorer": {"vision": "pixels", "text": "words"}}, {"datasets": [], "mix": "both"}),
        ({}, {}),
    ],
    ids=["not compared", "another pair scores", "nothing downloaded"],
)
def test_a_trained_encoder_that_selects_nothing_of_its_own_is_fine(places, block):
    values = changed(
        base={**STUDY, **CURATION}, pretraining={**BLOCK, **block}, **with_a_trained_vision_encoder(**places)
    )
    assert parse_study(values, "study").pretraining is not None
