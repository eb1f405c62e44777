"""Features as tensors: conversion, centring, and the checks that speak in one line."""

from collections.abc import Mapping

import numpy as np
import torch

from ligature.errors import DataError

Features = np.ndarray | torch.Tensor
Key = tuple[str, str]

FEWEST_ROWS = 4
FLOAT64_ROWS = 512


def as_tensor(features: Features, device: torch.device | str | None = None) -> torch.Tensor:
    """Returns ``features`` (n x d) as a tensor without a gradient, on ``device`` or where they are.

    Arrays are shared where numpy allows it and copied where they are read-only or not contiguous.
    """
    if not isinstance(features, torch.Tensor):
        array = np.ascontiguousarray(features)
        features = torch.from_numpy(array if array.flags.writeable else array.copy())
    return features.detach().to(device)


def label(key: Key) -> str:
    """Returns how an error names an encoder, for example ``vision encoder 'dinov2'``."""
    side, name = key
    return f"{side} encoder '{name}'"


def keyed(vision: Mapping[str, Features], text: Mapping[str, Features]) -> dict[Key, Features]:
    """Returns both sides in one mapping whose keys are ``(side, name)``.

    Raises:
        DataError: if a side is empty.
    """
    for side, encoders in (("vision", vision), ("text", text)):
        if not encoders:
            raise DataError(f"similarity needs at least one {side} encoder, there is none")
    return {("vision", n): f for n, f in vision.items()} | {("text", n): f for n, f in text.items()}


def check_shapes(features: Mapping[Key, Features]) -> int:
    """Returns the number of rows that all ``features`` share.

    Raises:
        DataError: if features are not two-dimensional, or two encoders differ in rows.
    """
    first, rows = None, 0
    for key, values in features.items():
        if values.ndim != 2:
            raise DataError(f"features of {label(key)} have shape {tuple(values.shape)}, expected rows x dimensions")
        if first is None:
            first, rows = key, len(values)
        if len(values) != rows:
            raise DataError(
                f"{label(first)} has {rows:,} rows but {label(key)} has {len(values):,}: "
                "both must embed the same pairs in the same order"
            )
    return rows


def check_rows(rows: int) -> None:
    """Raises DataError if there are too few rows for the debiased estimate."""
    if rows < FEWEST_ROWS:
        raise DataError(f"similarity needs at least {FEWEST_ROWS} rows, there are {rows}")


def check_finite(key: Key, features: torch.Tensor, first_row: int = 0) -> None:
    """Raises DataError naming the encoder and its first row (from zero) that holds NaN or infinity."""
    if torch.isfinite(features.sum()):
        return
    bad = (~torch.isfinite(features).all(dim=1)).nonzero()
    if len(bad):
        row = first_row + int(bad[0])
        raise DataError(f"features of {label(key)} hold NaN or infinity, first in row {row} (from zero)")


def working_dtype(features: Mapping[Key, torch.Tensor], rows: int) -> torch.dtype:
    """Returns the precision of the matrix products: float32, or float64 where it is given or nearly free.

    Below ``FLOAT64_ROWS`` rows the debiased estimate is a small difference of large sums, and float64 is cheap.
    """
    given = any(values.dtype == torch.float64 for values in features.values())
    return torch.float64 if given or rows <= FLOAT64_ROWS else torch.float32


def check_varies(key: Key, variance: float, mean: torch.Tensor, dtype: torch.dtype) -> None:
    """Raises DataError if ``variance`` (total over dimensions) is nothing but rounding of ``mean``."""
    if variance <= (32 * torch.finfo(dtype).eps) ** 2 * float(mean.square().sum()):
        raise DataError(f"features of {label(key)} are the same in every row: there is nothing to compare")


def checked(
    vision: Mapping[str, Features],
    text: Mapping[str, Features],
    device: torch.device | str | None = None,
) -> dict[Key, torch.Tensor]:
    """Returns the features of both sides in the working precision, keyed by ``(side, name)``.

    Raises:
        DataError: for unequal or too few rows, values that are not finite, or features that do not vary.
    """
    features = keyed(vision, text)
    rows = check_shapes(features)
    check_rows(rows)
    tensors = {key: as_tensor(values, device) for key, values in features.items()}
    dtype = working_dtype(tensors, rows)
    for key, values in tensors.items():
        tensors[key] = values = values.to(dtype)
        check_finite(key, values)
        check_varies(key, float(centred(values).square().sum() / rows), values.mean(dim=0), dtype)
    return tensors


def centred(features: torch.Tensor) -> torch.Tensor:
    """Returns ``features`` (n x d) less their mean row."""
    return features - features.mean(dim=0)


def centred_pair(x: Features, y: Features) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns two checked and centred feature matrices; raises DataError as ``checked``."""
    left, right = checked({"x": x}, {"y": y}).values()
    return centred(left), centred(right)
