"""Methods by the names that studies use."""

from typing import get_args

import numpy as np
import pytest

from ligature.errors import ParamsError
from ligature.matching.baselines import Relative
from ligature.matching.local_cka import LocalCKA
from ligature.matching.matcher import Matcher
from ligature.matching.methods import METHODS, make_matcher
from ligature.matching.qap import SeededQAP
from ligature.params.matching import QAP_METHODS, Method


def pairs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two noisy views of the same hidden points, equally wide, so that every method takes them."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(count, 4))
    weights = np.random.default_rng(99).normal(size=(2, 4, 7))
    return tuple(hidden @ side + 0.1 * generator.normal(size=(count, 7)) + 0.5 for side in weights)


def test_every_method_of_a_study_has_a_constructor_and_no_other():
    assert set(METHODS) == set(get_args(Method))


def test_those_without_scores_are_the_methods_that_studies_keep_from_classes():
    assert {name for name in METHODS if not isinstance(make_matcher(name), Matcher)} == QAP_METHODS


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_learns_and_matches_every_query_to_a_candidate_of_its_own(name):
    base, query = pairs(24), pairs(10, seed=1)
    matched = make_matcher(name).fit(*base).match(*query)
    assert sorted(matched) == list(range(10))


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"cosine"}))
def test_a_method_that_learns_from_pairs_finds_most_of_an_easy_match(name):
    base, query = pairs(24), pairs(10, seed=1)
    matched = make_matcher(name).fit(*base).match(*query)
    assert (np.asarray(matched) == np.arange(10)).mean() >= 0.6


def test_a_name_stands_for_the_settings_it_says():
    settings = {name: make_matcher(name) for name in METHODS}
    local = {name: method for name, method in settings.items() if isinstance(method, LocalCKA)}
    assert {name: (method.kernel, method.bandwidth) for name, method in local.items() if "linear" not in name} == {
        "local-cka-rbf": ("rbf", "per-query"),
        "local-cka-rbf-fixed": ("rbf", "fixed"),
    }
    assert local["local-cka-linear"].kernel == "linear"
    assert {name: method.form for name, method in settings.items() if isinstance(method, SeededQAP)} == {
        "qap": "auto",
        "qap-faq": "faq",
        "qap-hollow": "hollow",
    }
    assert {name: method.centred for name, method in settings.items() if isinstance(method, Relative)} == {
        "relative": False,
        "relative-centred": True,
    }


def test_two_of_a_name_share_nothing():
    first, second = make_matcher("ridge"), make_matcher("ridge")
    first.fit(*pairs(24))
    assert first is not second
    assert not hasattr(second, "width_x_")


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ParamsError, match=r"unknown method 'magic'; known: local-cka-rbf, .*linear-unregularised"):
        make_matcher("magic")
