"""Draws of matching experiments, and what they refuse."""

import shutil

import numpy as np
import pytest
from matching_reference import PAIR, SMALL, pools_of
from matching_stores import IMAGES, TRANSLATED, image_table, invent_study, write_store

from ligature.cli.matching import drawing, verbs
from ligature.cli.matching.grid import grid_points
from ligature.errors import DataError, ParamsError, StoreError
from ligature.params.matching import MatchingExperiment


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return invent_study(tmp_path_factory.mktemp("matching"))


def test_anchors_of_the_same_set_are_never_asked_and_queries_are_cut_to_what_is_left(study, capsys):
    same = {"base": "queries", "base_sizes": [10, 30], "queries": 25}
    pools, point, draws = pools_of(study, **same)
    assert pools.base is pools.query
    for seed in range(4):
        anchors = draws.anchors(pools, point, seed)
        queries = draws.queries(pools, anchors, seed)
        assert not set(anchors) & set(queries.rows)
        assert sorted(queries.gallery) == sorted(queries.rows)
        assert queries.gallery[queries.truth].tolist() == queries.rows.tolist()
        assert (queries.truth != np.arange(25)).any()
    rows, _ = study.run("cut", **(PAIR | SMALL | same), methods=["relative"])
    assert rows.groupby("base_size")["queries"].unique().map(list).to_dict() == {10: [25], 30: [10]}
    assert (rows["n"] == rows["queries"]).all()
    said = "matching.experiments.cut: 25 queries are asked for, 10 are left beside 30 anchors"
    assert capsys.readouterr().err.count(said) == 1


def test_without_a_number_all_that_are_no_anchors_are_asked(study):
    everything = {"base": "queries", "queries": None, "query_draws": 1}
    pools, point, draws = pools_of(study, **everything)
    anchors = draws.anchors(pools, point, 0)
    rows = draws.queries(pools, anchors, 0).rows
    assert sorted([*rows, *anchors]) == list(range(IMAGES["queries"]))


def test_smaller_bases_are_parts_of_larger_ones_and_draws_differ(study):
    pools, _, draws = pools_of(study)
    points = grid_points(MatchingExperiment(**PAIR, methods=["relative"], base_sizes=[5, 12, 40]))
    small, middle, large = (set(draws.anchors(pools, point, 3)) for point in points)
    assert small < middle < large
    anchors = draws.anchors(pools, next(grid_points(draws.experiment)), 3)
    assert set(anchors) != set(draws.anchors(pools, next(grid_points(draws.experiment)), 4))


def test_queries_of_a_draw_do_not_depend_on_the_base_of_another_set(study):
    pools, point, draws = pools_of(study)
    of_bases = [draws.queries(pools, draws.anchors(pools, point, seed), 7) for seed in range(3)]
    assert all(np.array_equal(of_bases[0].rows, other.rows) for other in of_bases)
    assert not np.array_equal(of_bases[0].rows, draws.queries(pools, np.arange(20), 8).rows)


@pytest.mark.parametrize("side", ["images", "texts"])
def test_clusters_choose_anchors_by_one_side_and_once(study, side, monkeypatch):
    seen, plain = [], drawing.cluster_base
    monkeypatch.setattr(drawing, "cluster_base", lambda *given: seen.append(given) or plain(*given))
    pools, point, draws = pools_of(study, selections=[f"{side.removesuffix('s')}-clusters"])
    anchors = draws.anchors(pools, point, 1)
    assert np.array_equal(anchors, draws.anchors(pools, point, 1))
    again, _, _ = pools_of(study, text=["bert-untrained"])
    draws.anchors(again, point, 1)
    assert len(seen) == (1 if side == "images" else 2)
    assert np.array_equal(seen[0][0], getattr(pools.base, side))
    assert seen[0][1:] == (20, 1)
    assert len(set(anchors)) == 20


def test_one_set_in_two_languages_masks_anchors_by_their_images(study):
    pools, point, draws = pools_of(study, base="queries", languages=["de"], queries=None, query_draws=1)
    assert len(pools.base.ids) == IMAGES["queries"]
    assert len(pools.query.ids) == TRANSLATED
    for seed in range(5):
        anchors = draws.anchors(pools, point, seed)
        queries = draws.queries(pools, anchors, seed)
        assert len(queries.rows) == TRANSLATED - 20
        assert not set(pools.base.ids[anchors]) & set(pools.query.ids[queries.rows])


@pytest.fixture
def own_study(tmp_path):
    """A study of a single test, whose stores may be changed."""
    return invent_study(tmp_path)


def overwrite(study, dataset: str, vectors: np.ndarray, revision: str = "1", **columns) -> None:
    layout, table = study.layout(), image_table(dataset).assign(**columns)
    shutil.rmtree(layout.embeddings("pooled", "pixels", dataset, 0))
    write_store(layout, "pixels", dataset, table, vectors, revision)


def test_images_with_the_features_of_an_anchor_are_refused(own_study):
    vectors = own_study.features["pixels", "queries"].copy()
    vectors[7] = own_study.features["pixels", "anchors"][3]
    overwrite(own_study, "queries", vectors)
    line = r"base 'anchors' and query 'queries' share images: '1003' is '2007'; choose a base without"
    with pytest.raises(DataError, match=line):
        own_study.run("shared", **(PAIR | SMALL), methods=["relative"])


def test_images_with_the_file_of_an_anchor_are_refused(own_study):
    hashes = image_table("queries")["sha256"].to_list()
    hashes[5] = image_table("anchors")["sha256"].iloc[8]
    overwrite(own_study, "queries", own_study.features["pixels", "queries"], sha256=hashes)
    with pytest.raises(DataError, match="share images: '1008' is '2005'"):
        own_study.run("shared", **(PAIR | SMALL), methods=["relative"])


def test_two_revisions_of_an_encoder_are_refused(own_study):
    overwrite(own_study, "queries", own_study.features["pixels", "queries"], revision="2")
    with pytest.raises(StoreError, match="revision"):
        own_study.run("revisions", **(PAIR | SMALL), methods=["relative"])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"base_sizes": [60]}, r"wrong.base_sizes: 60 anchors, but 'anchors' has 59 images with captions"),
        ({"base": "queries", "base_sizes": [39]}, r"wrong.base_sizes: 39 anchors leave 1 of 40 images to match"),
        ({"csls": 26}, r"wrong.csls: 26 neighbours, but there are 25 queries and 25 candidates; give fewer"),
        ({"query": "classes", "csls": 13}, r"wrong.csls: 13 neighbours, but there are 25 queries and 12 candidates"),
    ],
)
def test_what_the_data_do_not_allow_is_one_line(study, changes, line):
    with pytest.raises(DataError, match=line):
        study.run("wrong", **(PAIR | SMALL | {"methods": ["relative"]} | changes))


def test_cosine_needs_encoders_of_one_width_and_says_so_first(study, monkeypatch):
    rows, _ = study.run("cosine", **(PAIR | SMALL), methods=["cosine"])
    assert set(rows["model"]) == {"cosine", "chance"}
    line = (
        r"matching.experiments.unequal.methods: 'cosine' compares vectors of the same space, but 'pixels' has 12 "
        r"dimensions and 'bert-untrained' 9"
    )
    monkeypatch.setattr("ligature.cli.matching.experiment.load_pools", pytest.fail)
    texts = {"text": ["bag-of-words", "bert-untrained"]}
    with pytest.raises(ParamsError, match=line):
        study.run("unequal", **(PAIR | SMALL | texts), methods=["relative", "cosine"])


def test_unknown_experiments_and_studies_without_any_are_one_line(study):
    where = study.where(study.values(known=PAIR | {"methods": ["relative"]}))
    with pytest.raises(ParamsError, match="unknown experiment 'other'; known: known"):
        verbs.match_experiment("other", **where)
    where = study.where(study.values())
    for verb in (lambda: verbs.match_experiment("other", **where), lambda: verbs.matching(**where)):
        with pytest.raises(ParamsError, match="study 'tiny' has no matching block"):
            verb()
