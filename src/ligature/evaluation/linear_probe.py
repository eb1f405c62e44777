"""Linear probe: how much of a classification a plane can read from frozen image features."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ligature.errors import DataError, ParamsError
from ligature.evaluation.cosine import Array, unit_rows_pair

FOLDS = 5
"""One row of so many is held out to choose the penalty."""
MAX_ITERATIONS = 1000
"""Iterations of L-BFGS at most, as in CLIP's protocol."""
TOLERANCE = 1e-6
"""Largest component of the gradient of the mean loss at which L-BFGS stops."""
BLOCK_LOGITS = 1 << 24
"""Logits that exist at once: 64 MB, whatever the numbers of rows and classes."""


def linear_probe_accuracy(
    train_features: Array,
    train_labels: Array,
    test_features: Array,
    test_labels: Array,
    penalties: Sequence[float],
    seed: int,
) -> dict[str, float]:
    """Returns the accuracy of multinomial logistic regression on features of unit length.

    The protocol is that of Radford et al. (2021): L-BFGS on all rows at once, an L2 penalty on the weights and none on
    the biases. The penalty that is most often right on a held-out stratified fifth of the training rows is taken, the
    strongest of equals, and the classifier learns once more from all of them. The test rows choose nothing.

    It computes in float32 on the device of ``train_features``, in blocks of rows, and holds the features twice.

    Args:
        train_features: (n, d), any length.
        train_labels: (n,) class of each row, integers or names; classes are whatever labels occur.
        test_features: (m, d), any length.
        test_labels: (m,) class of each row, under the labels of ``train_labels``.
        penalties: inverse strengths C to choose from: the sum of cross-entropies times C, plus half the squared
            weights, is minimised, as by scikit-learn; of two classes, each has its own weights here.
        seed: of the held-out fifth.

    Returns:
        ``top1``, the share of test rows that are right; ``mean_per_class``, its mean over the classes of the test rows;
        ``penalty``, the chosen C.

    Raises:
        DataError: features or labels that do not fit, a single class, a class of the test rows that no training row
            has, or too few rows to hold any out where there is a choice.
        ParamsError: no penalty, or one that is not above zero.
    """
    if not penalties or not min(penalties) > 0:
        raise ParamsError(f"penalties of a linear probe are {list(penalties)}: give one or more numbers above 0")
    train, test = unit_rows_pair(train_features, test_features, ("train_features", "test_features"))
    names, learned = np.unique(_labels(train_labels, len(train), "train_labels"), return_inverse=True)
    if len(names) < 2:
        raise DataError(f"train_labels: only class {names[0]} occurs; a linear probe needs two classes or more")
    true = torch.from_numpy(_known(_labels(test_labels, len(test), "test_labels"), names)).to(train.device)
    rows = _Rows(train, torch.from_numpy(learned).to(train.device), len(names))
    penalty = _best_penalty(rows, sorted(set(penalties)), seed)
    right = _is_right(_fit(rows, penalty), _Rows(test, true, len(names)))
    of_class = torch.stack([right[true == label].double().mean() for label in true.unique()])
    return {
        "top1": float(right.double().mean()),
        "mean_per_class": float(of_class.mean()),
        "penalty": float(penalty),
    }


class _Rows:
    """Features (n, d) with the classes (n,) of their rows, 0 to ``classes`` - 1, in blocks."""

    def __init__(self, features: Tensor, labels: Tensor, classes: int) -> None:
        self.features, self.labels, self.classes = features, labels, classes

    def take(self, chosen: Tensor) -> "_Rows":
        return _Rows(self.features[chosen], self.labels[chosen], self.classes)

    def blocks(self) -> list[tuple[Tensor, Tensor]]:
        size = max(BLOCK_LOGITS // self.classes, 1)
        return list(zip(self.features.split(size), self.labels.split(size), strict=True))


def _labels(labels: Array, length: int, name: str) -> np.ndarray:
    values = labels.cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if values.shape != (length,):
        raise DataError(f"{name}: expected {length} labels, one a feature row, got shape {values.shape}")
    return values


def _known(labels: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Returns the place of every label among the sorted ``names``."""
    unknown = np.setdiff1d(labels, names)
    if len(unknown):
        raise DataError(
            f"test_labels: class {unknown[0]} has no training row ({len(unknown)} such classes); add images of it to "
            "what the probe learns from, or leave it out of the test"
        )
    return np.searchsorted(names, labels)


def _best_penalty(rows: _Rows, penalties: list[float], seed: int) -> float:
    """Returns the penalty of highest held-out accuracy; each search starts where the one before ended."""
    if len(penalties) == 1:
        return penalties[0]
    held_out = _held_out(rows.labels, seed)
    if not held_out.any():
        raise DataError(
            f"train_labels: {len(rows.labels)} rows of {rows.classes} classes leave none to choose a penalty on; "
            "give more rows or a single penalty"
        )
    fitted, judged = rows.take(~held_out), rows.take(held_out)
    best, most, weights = penalties[0], -1, None
    for penalty in penalties:
        weights = _fit(fitted, penalty, weights)
        right = int(_is_right(weights, judged).sum())
        if right > most:
            best, most = penalty, right
    return best


def _held_out(labels: Tensor, seed: int) -> Tensor:
    """Returns a mask of every fifth row, counted through the classes; a class keeps at least one row."""
    values = labels.cpu().numpy()
    drawn = np.random.default_rng(seed).permutation(len(values))
    order = drawn[np.argsort(values[drawn], kind="stable")]
    first_of_class = np.r_[True, np.diff(values[order]) > 0]
    chosen = (np.arange(len(values)) % FOLDS == FOLDS - 1) & ~first_of_class
    mask = np.zeros(len(values), dtype=bool)
    mask[order[chosen]] = True
    return torch.from_numpy(mask).to(labels.device)


def _fit(rows: _Rows, penalty: float, start: Tensor | None = None) -> Tensor:
    """Returns weights and, in the last column, biases, [classes, d + 1], that minimise the penalised loss."""
    n, width = rows.features.shape
    solution = torch.zeros(rows.classes, width + 1, device=rows.features.device) if start is None else start.clone()
    solution.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [solution], max_iter=MAX_ITERATIONS, tolerance_grad=TOLERANCE, line_search_fn="strong_wolfe"
    )

    def loss_and_gradient() -> float:
        optimizer.zero_grad()
        parts = [solution[:, :-1].square().sum() / (2 * penalty * n)]
        parts[0].backward()
        for features, labels in rows.blocks():
            logits = functional.linear(features, solution[:, :-1], solution[:, -1])
            parts.append(functional.cross_entropy(logits, labels, reduction="sum") / n)
            parts[-1].backward()
        return sum(part.item() for part in parts)

    optimizer.step(loss_and_gradient)
    return solution.detach()


def _is_right(solution: Tensor, rows: _Rows) -> Tensor:
    """Returns for every row whether the classifier gives it its class, (n,) bool."""
    weights, biases = solution[:, :-1], solution[:, -1]
    return torch.cat(
        [functional.linear(features, weights, biases).argmax(1) == labels for features, labels in rows.blocks()]
    )
