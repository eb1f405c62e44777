import pytest
from study_values import changed

from ligature.errors import ParamsError
from ligature.params import parse_study
from ligature.params.matching_checks import check_matching, embedded_sets

TRANSLATIONS = {"format": "parallel", "file": "captions_{language}.txt", "names": "names.txt", "languages": ["de"]}
PLAIN = {"base": "captions", "query": "sentences", "vision": ["vit"], "text": ["bert"], "methods": ["ridge", "qap"]}


def matching(**values) -> dict:
    """Returns the block with one experiment."""
    return {"experiments": {"plain": PLAIN | values}}


def wrong(block: dict, **changes) -> str:
    """Returns the message for a study with this block."""
    with pytest.raises(ParamsError) as caught:
        parse_study(changed(matching=block, **changes), "study.yaml")
    return str(caught.value)


def test_an_experiment_is_taken_with_the_published_sizes():
    study = parse_study(changed(matching=matching()), "study.yaml")
    experiment = study.matching.experiments["plain"]
    assert (experiment.base_sizes, experiment.queries) == ([320], 500)
    assert (experiment.selections, experiment.stretches, experiment.directions) == (["random"], ["none"], ["i2t"])
    check_matching(study)


def test_a_study_without_matching_needs_no_embeddings_for_it():
    study = parse_study(changed(), "study.yaml")
    check_matching(study)
    assert embedded_sets(study) == []


def test_what_is_embedded_is_named_once_and_by_experiment():
    both = {"plain": PLAIN, "classes": PLAIN | {"query": "labels", "methods": ["ridge"], "vision": ["vit", "pixels"]}}
    study = parse_study(changed(matching={"experiments": both}), "study.yaml")
    plain = [("vit", "captions"), ("vit", "sentences"), ("bert", "captions"), ("bert", "sentences")]
    assert embedded_sets(study, "plain") == plain
    assert embedded_sets(study) == [
        *plain,
        ("vit", "labels"),
        ("pixels", "captions"),
        ("pixels", "labels"),
        ("bert", "labels"),
    ]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (matching(base="nowhere"), ["matching.experiments.plain.base", "'nowhere'", "captions"]),
        (matching(base="labels"), ["plain.base", "'labels' has classes, not captions"]),
        (matching(vision=["resnet"]), ["plain.vision", "'resnet'", "vit"]),
        (matching(text=["vit"]), ["plain.text", "'vit'", "bert"]),
        (matching(methods=["ridge", "ridge"]), ["methods", "stands twice"]),
        (matching(methods=["magic"]), ["methods", "'magic'"]),
        (matching(languages=["de", "de"]), ["languages", "stands twice"]),
        (matching(base_sizes=[2]), ["base_sizes", "3"]),
        (matching(queries=None), ["query_draws to 1"]),
        (matching(base_language="query"), ["needs languages"]),
        (matching(languages=["fr"]), ["plain.languages", "'sentences' has no translations into 'fr'"]),
        (matching(query="labels"), ["plain.methods", "'qap'", "classes"]),
        (matching(query="labels", methods=["ridge"], directions=["t2i"]), ["plain.directions", "[i2t]"]),
        (matching(query="labels", methods=["ridge"], languages=["de"]), ["plain.languages", "classes"]),
        (matching() | {"shuffles": ["nowhere"]}, ["matching.shuffles", "'nowhere'"]),
        (matching(base="sentences") | {"shuffles": ["captions"]}, ["matching.shuffles", "'captions'", "not embedded"]),
    ],
)
def test_a_mistake_is_named(block, words):
    message = wrong(block)
    for word in words:
        assert word in message


def test_anchors_in_the_language_of_the_queries_need_translations_of_the_base():
    block = matching(languages=["de"], base_language="query")
    message = wrong(block, datasets__sentences__translations=TRANSLATIONS)
    assert "plain.base_language: dataset 'captions' has no translations into 'de'" in message
    study = parse_study(
        changed(
            matching=block,
            datasets__sentences__translations=TRANSLATIONS,
            datasets__captions__translations=TRANSLATIONS,
        ),
        "study.yaml",
    )
    assert study.matching.experiments["plain"].languages == ["de"]
