"""Checks of what the methods are given: one line naming the side and the row, before anything is computed."""

import numpy as np
from numpy.typing import ArrayLike

from ligature.errors import DataError

MIN_BASE = 3


def check_features(features: ArrayLike, side: str) -> np.ndarray:
    """Returns features as a float64 matrix [n, d].

    Args:
        features: [n, d].
        side: what they are, for messages, for example ``base_x``.

    Raises:
        DataError: they are empty, no matrix, or hold a value that is not finite.
    """
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 2:
        raise DataError(f"{side}: expected a matrix [n, d], got {values.ndim} dimensions")
    if not values.size:
        raise DataError(f"{side}: is empty, {values.shape[0]} rows of {values.shape[1]} dimensions; give at least one")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise DataError(f"{side}: row {row} holds a value that is not finite; embed it again or leave it out")
    return values


def check_base(base_x: ArrayLike, base_y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns the paired base as float64 matrices [m, d_x] and [m, d_y].

    Raises:
        DataError: fewer than three pairs, unequal numbers of rows, or a side whose rows are all the same.
    """
    x, y = check_features(base_x, "base_x"), check_features(base_y, "base_y")
    if len(x) != len(y):
        raise DataError(f"base: {len(x)} rows of x against {len(y)} of y; the base is paired row by row")
    if len(x) < MIN_BASE:
        raise DataError(f"base: {len(x)} pairs; at least {MIN_BASE} are needed")
    for values, side in ((x, "base_x"), (y, "base_y")):
        if (values == values[0]).all():
            raise DataError(f"{side}: all {len(values)} rows are the same; choose other anchors")
    return x, y


def check_width(features: ArrayLike, width: int, side: str) -> np.ndarray:
    """Returns features as a float64 matrix [n, width].

    Raises:
        DataError: as ``check_features``, or they are of another width than the base.
    """
    values = check_features(features, side)
    if values.shape[1] != width:
        raise DataError(f"{side}: {values.shape[1]} dimensions, the base has {width}; use the same encoder for both")
    return values


def check_one_to_one(queries: int, candidates: int) -> None:
    """Checks that every query can be matched to a candidate of its own.

    Raises:
        DataError: there are more queries than candidates.
    """
    if queries > candidates:
        raise DataError(
            f"matching: {queries} queries for {candidates} candidates; swap the two sides or give fewer queries"
        )
