"""Cells of matching experiments: complete, and what a plain computation gives."""

import numpy as np
import pytest
from matching_reference import (
    PAIR,
    SMALL,
    cell,
    drawn,
    plain_features,
    plain_metrics,
    pools_of,
    relative_scores,
    unit,
)
from matching_stores import CLASSES, IMAGES, TRANSLATED, class_labels, invent_study

from ligature.cli.matching.cells import objective_of
from ligature.cli.matching.tables import AVERAGED_COLUMNS, AXES, SEEDWISE_COLUMNS
from ligature.matching.csls import csls
from ligature.matching.qap import SeededQAP


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return invent_study(tmp_path_factory.mktemp("matching"))


def test_every_cell_method_and_metric_has_its_row(study):
    grid = {"text": ["bag-of-words", "bert-untrained"], "stretches": ["none", "base"], "directions": ["i2t", "t2i"]}
    rows, means = study.run("complete", **(PAIR | SMALL | grid), methods=["relative", "qap-faq", "local-cka-linear"])
    assert list(rows.columns) == SEEDWISE_COLUMNS
    assert list(means.columns) == AVERAGED_COLUMNS
    cells = rows.groupby(["text", "stretch", "direction", "base_seed", "query_seed"])
    assert len(cells) == 2 * 2 * 2 * 2 * 2
    scoring, chance = ["matching_accuracy", "top1", "top5", "top10"], ["matching_accuracy", "top1", "top5", "top10"]
    expected = {
        "relative": scoring,
        "qap-faq": ["matching_accuracy", "objective", "seed_objective", "true_objective"],
        "local-cka-linear": scoring,
        "chance": chance,
    }
    for _, table in cells:
        assert table.groupby("model", sort=False)["metric"].agg(list).to_dict() == expected
    facts = rows[["task", "dataset", "split", "n", "seed", "variant", *AXES]].drop(
        columns=["text", "stretch", "direction"]
    )
    assert facts.drop_duplicates().to_dict("records") == [
        {"task": "matching", "dataset": "queries", "split": "test", "n": 25, "seed": 0, "variant": ""}
        | {"experiment": "complete", "base": "anchors", "query": "queries", "vision": "pixels", "base_size": 20}
        | {"queries": 25, "selection": "random", "captions": "averaged", "base_language": "own", "post": ""}
    ]
    assert rows["protocol"].iloc[0] == "image to text, 25 queries, 20 random anchors of anchors, averaged captions"
    assert not (study.folder / "results/tiny/matching/complete/cells").exists()


def test_a_cell_is_what_a_plain_computation_gives(study):
    rows, _ = study.run("plain", **(PAIR | SMALL), methods=["relative"], captions=["averaged", "single"])
    anchors, queries = drawn(study)
    for captions in ("averaged", "single"):
        base = [side[anchors] for side in plain_features(study, "anchors", single=captions == "single")]
        query = [side[queries] for side in plain_features(study, "queries", single=captions == "single")]
        found = cell(rows, captions=captions, model="relative", base_seed=0, query_seed=0)
        assert found == pytest.approx(plain_metrics(relative_scores(base, query)))


def test_directions_are_recorded_and_ask_from_the_other_side(study):
    rows, _ = study.run("directions", **(PAIR | SMALL), methods=["relative"], directions=["i2t", "t2i"])
    anchors, queries = drawn(study)
    base = [side[anchors] for side in plain_features(study, "anchors")]
    query = [side[queries] for side in plain_features(study, "queries")]
    scores = relative_scores(base, query)
    first = {"model": "relative", "base_seed": 0, "query_seed": 0}
    assert cell(rows, direction="i2t", **first) == pytest.approx(plain_metrics(scores))
    assert cell(rows, direction="t2i", **first) == pytest.approx(plain_metrics(scores.T))
    assert cell(rows, direction="t2i", **first) != cell(rows, direction="i2t", **first)
    assert set(rows["protocol"].str.split(",").str[0]) == {"image to text", "text to image"}


def test_stretches_scale_by_the_anchors_or_by_both_pools(study):
    stretches = ["none", "base", "transductive"]
    rows, _ = study.run("stretches", **(PAIR | SMALL), methods=["relative"], stretches=stretches)
    anchors, queries = drawn(study)
    of_base, of_query = plain_features(study, "anchors"), plain_features(study, "queries")
    scales = {
        "none": [1.0, 1.0],
        "base": [1 / side[anchors].std(axis=0, ddof=1) for side in of_base],
        "transductive": [
            1 / np.concatenate(sides).std(axis=0, ddof=1) for sides in zip(of_base, of_query, strict=True)
        ],
    }
    for stretch, factors in scales.items():
        base = [side[anchors] * factor for side, factor in zip(of_base, factors, strict=True)]
        query = [side[queries] * factor for side, factor in zip(of_query, factors, strict=True)]
        found = cell(rows, stretch=stretch, model="relative", base_seed=0, query_seed=0)
        assert found == pytest.approx(plain_metrics(relative_scores(base, query))), stretch
    values = rows[rows["model"] == "relative"].groupby("stretch")["value"].agg(tuple)
    assert len(set(values)) == 3
    transductive = rows[rows["stretch"] == "transductive"]["protocol"]
    assert transductive.str.endswith("stretched by both pools (transductive)").all()


def test_hubs_are_corrected_beside_the_plain_scores(study):
    rows, means = study.run("hubs", **(PAIR | SMALL), methods=["relative", "qap-faq"], csls=4)
    anchors, queries = drawn(study)
    base = [side[anchors] for side in plain_features(study, "anchors")]
    query = [side[queries] for side in plain_features(study, "queries")]
    scores = relative_scores(base, query)
    first = {"model": "relative", "base_seed": 0, "query_seed": 0}
    assert cell(rows, post="", **first) == pytest.approx(plain_metrics(scores))
    assert cell(rows, post="csls", **first) == pytest.approx(plain_metrics(csls(scores, 4)))
    assert set(rows[rows["post"] == "csls"]["model"]) == {"relative"}
    assert means[means["post"] == "csls"]["protocol"].str.endswith("CSLS of 4 neighbours (transductive)").all()


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_the_objective_of_a_matching_is_that_of_the_search(study, kernel):
    anchors, queries = drawn(study)
    base = [side[anchors] for side in plain_features(study, "anchors")]
    x, y = (side[queries] for side in plain_features(study, "queries"))
    method = SeededQAP(kernel=kernel).fit(*base)
    found = method.match(x, y)
    assert objective_of(method, x, y, np.asarray(found)) == pytest.approx(found.objective, rel=1e-12)
    true = objective_of(method, x, y, np.arange(25))
    assert true == pytest.approx(objective_of(method, x, y[::-1], np.arange(25)[::-1]), rel=1e-12)
    assert true > objective_of(method, x, y, np.roll(np.arange(25), 1))


def test_means_and_chance_stand_once_for_every_point(study):
    rows, means = study.run("means", **(PAIR | SMALL | {"base_sizes": [10, 20]}), methods=["relative"])
    assert len(means) == 2 * 2 * 4
    assert set(means["draws"]) == {4}
    group = means[(means["model"] == "relative") & (means["base_size"] == 20) & (means["metric"] == "top1")].iloc[0]
    cells = rows[(rows["model"] == "relative") & (rows["base_size"] == 20) & (rows["metric"] == "top1")]["value"]
    assert group["value"] == pytest.approx(cells.mean())
    assert group["sd"] == pytest.approx(cells.std(ddof=1))
    assert group["low"] < group["value"] < group["high"]
    chance = means[(means["model"] == "chance") & (means["base_size"] == 10)].set_index("metric")
    assert chance["value"].to_dict() == pytest.approx(
        {"matching_accuracy": 1 / 25, "top1": 1 / 25, "top5": 5 / 25, "top10": 10 / 25}
    )
    assert (chance["low"] == chance["value"]).all()
    assert (chance["high"] == chance["value"]).all()


def test_the_interval_of_a_single_objective_is_unknown_and_stays_so(study):
    one = SMALL | {"base_draws": 1, "query_draws": 1}
    _, means = study.run("single", **(PAIR | one), methods=["qap-faq"])
    objective = means[means["metric"] == "objective"].iloc[0]
    assert np.isnan([objective["low"], objective["high"]]).all()
    accuracy = means[(means["metric"] == "matching_accuracy") & (means["model"] == "qap-faq")].iloc[0]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]


def test_class_texts_are_the_gallery_of_a_labelled_set(study):
    labelled = {"query": "classes", "queries": None, "base_draws": 1, "query_draws": 1}
    rows, means = study.run("labelled", **(PAIR | SMALL | labelled), methods=["relative"])
    anchors, _ = drawn(study)
    prompts = study.texts["classes"]
    vectors = unit(study.features["bag-of-words", "classes"].astype(np.float64))
    classes = [
        vectors[((prompts["label"] == c) & (prompts["variant"] == "")).to_numpy()].mean(axis=0) for c in range(12)
    ]
    images = study.features["pixels", "classes"].astype(np.float64)
    scores = relative_scores([side[anchors] for side in plain_features(study, "anchors")], (images, np.array(classes)))
    truth = scores[np.arange(len(scores)), class_labels()]
    places = (scores > truth[:, None]).sum(axis=1)
    assert cell(rows, model="relative") == pytest.approx({f"top{k}": (places < k).mean() for k in (1, 5, 10)})
    assert cell(means, model="chance") == pytest.approx({f"top{k}": k / CLASSES for k in (1, 5, 10)})
    assert set(rows["n"]) == {IMAGES["classes"]}


def test_languages_are_matched_each_on_the_images_that_have_it(study):
    german = {"languages": ["de"], "queries": None, "query_draws": 1}
    rows, _ = study.run("german", **(PAIR | SMALL | german), methods=["relative"])
    assert set(rows["variant"]) == {"de"}
    assert set(rows["queries"]) == {TRANSLATED}
    anchors, _ = drawn(study)
    texts = study.features["bag-of-words", "queries"][(study.texts["queries"]["variant"] == "de").to_numpy()]
    query = study.features["pixels", "queries"][:TRANSLATED].astype(np.float64), texts.astype(np.float64)
    base = [side[anchors] for side in plain_features(study, "anchors")]
    found = cell(rows, model="relative", base_seed=0)
    assert found == pytest.approx(plain_metrics(relative_scores(base, query)))


def test_anchors_speak_the_language_of_the_queries_where_the_study_says_so(study):
    german = {"languages": ["de"], "base_language": "query"}
    pools, _, _ = pools_of(study, **german)
    texts = study.features["bag-of-words", "anchors"][(study.texts["anchors"]["variant"] == "de").to_numpy()]
    assert np.array_equal(pools.base.texts, texts)
    assert pools.base.captions[0] == "Bild 1000"
    rows, _ = study.run("both-german", **(PAIR | SMALL | german), methods=["relative"])
    assert set(rows["base_language"]) == {"query"}
