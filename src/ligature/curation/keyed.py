"""Pseudo-random numbers that belong to uids: keyed hashes, and random subsets by them."""

import numpy as np
import pandas as pd

from ligature.errors import DataError

GOLDEN = 0x9E3779B97F4A7C15
WORD = 0xFFFFFFFFFFFFFFFF


def keyed_hash(uids: np.ndarray, seed: int, stream: int = 0) -> np.ndarray:
    """Returns a pseudo-random word for every uid, the same wherever and in whatever order the uids stand.

    Twice the finaliser of SplitMix64 (Steele, Lea and Flood 2014), with a key of seed and stream in between; it is
    one-to-one, so different integers never share a word. It is no defence against whoever chooses uids at will.

    Args:
        uids: [n] integers or strings.
        seed: key.
        stream: further key, for example a concept, under which one uid has another number.

    Returns:
        [n] uint64.
    """
    uids = np.asarray(uids)
    whole = uids.dtype.kind in "iu"
    words = uids.astype(np.uint64) if whole else pd.util.hash_array(uids.astype(object))
    key = _mix(_mix(np.array([seed & WORD], dtype=np.uint64) + GOLDEN) + np.array([stream & WORD], dtype=np.uint64))
    return _mix(_mix(words + GOLDEN) ^ key)


def keyed_uniform(uids: np.ndarray, seed: int, stream: int = 0) -> np.ndarray:
    """Returns ``keyed_hash`` as numbers in [0, 1): [n] float64."""
    return (keyed_hash(uids, seed, stream) >> 11) * 2.0**-53


def random_subset(uids: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Chooses uids at random: those with the smallest keyed hashes.

    The choice depends neither on the order of rows nor on how they are cut into parts: the subset of everything is
    the subset of the subsets of the parts, so every part may be thinned to ``size`` on its own.

    Args:
        uids: [n] integers or strings; repeated ones count once.
        size: how many; all where there are fewer.
        seed: of the choice.

    Returns:
        [min(size, distinct uids)] uids, ascending.

    Raises:
        DataError: a negative size.
    """
    if size < 0:
        raise DataError(f"a random subset of {size} rows: give a size of at least 0")
    distinct = np.unique(uids)
    order = np.argsort(keyed_hash(distinct, seed), kind="stable")
    return np.sort(distinct[order[:size]])


def _mix(words: np.ndarray) -> np.ndarray:
    words = (words ^ (words >> 30)) * 0xBF58476D1CE4E5B9
    words = (words ^ (words >> 27)) * 0x94D049BB133111EB
    return words ^ (words >> 31)
