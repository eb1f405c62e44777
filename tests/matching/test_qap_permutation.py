import copy
import pickle

import numpy as np
import pytest

from ligature.matching.qap import Permutation

KNOWN = {"objective": 0.5, "seed_objective": 0.2, "iterations": 7, "form": "hollow"}


@pytest.fixture
def permutation():
    return Permutation([2, 0, 1], **KNOWN)


def attributes(array):
    return {name: getattr(array, name) for name in KNOWN}


def test_it_is_an_index_of_whole_numbers(permutation):
    assert isinstance(permutation, np.ndarray)
    assert permutation.dtype == np.int64
    assert np.array([10, 11, 12])[permutation].tolist() == [12, 10, 11]
    assert attributes(permutation) == KNOWN


def test_it_does_not_share_memory_with_what_it_was_made_of():
    columns = np.arange(3)
    permutation = Permutation(columns, **KNOWN)
    columns[0] = 9
    assert permutation.tolist() == [0, 1, 2]


def test_slices_copies_and_pickles_keep_what_is_known(permutation):
    for kept in (permutation[1:], permutation.copy(), copy.copy(permutation), copy.deepcopy(permutation)):
        assert isinstance(kept, Permutation)
        assert attributes(kept) == KNOWN
    part = pickle.loads(pickle.dumps(permutation[1:]))
    assert isinstance(part, Permutation)
    assert part.dtype == np.int64
    assert part.tolist() == [0, 1]
    assert attributes(part) == KNOWN


def test_arithmetic_and_comparisons_give_plain_values(permutation):
    right = permutation == np.array([2, 1, 1])
    assert type(right) is np.ndarray
    assert right.mean() == pytest.approx(2 / 3)
    assert type(permutation + 1) is np.ndarray
    assert type(permutation[0]) is np.int64
    assert isinstance(permutation.sum(), np.integer)
    assert type(np.asarray(permutation)) is np.ndarray


def test_a_view_of_a_plain_array_knows_nothing():
    assert attributes(np.arange(3).view(Permutation)) == dict.fromkeys(KNOWN)
