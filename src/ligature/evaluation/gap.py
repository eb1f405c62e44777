"""The modality gap: how far apart images and texts lie in the joint space, as a panel of measures.

No measure says much alone. A model that maps everything to one point has the best alignment score and no gap; its
paired margin is zero and its uniformity is zero, which is as bad as they can be.
"""

from collections.abc import Mapping

import numpy as np
import torch

from ligature.errors import DataError
from ligature.evaluation.cosine import BLOCK_ROWS, Array, unit_rows_pair

ONE_POINT = 1e-12
"""Cosine distances below this are rounding of float32 features: the vectors are one point."""
NEAR_ONE_POINT = -0.1
"""Uniformity above which a side is nearly one point: its vectors then have a mean cosine of about 0.975 or more."""
NARROW_CONE = 2 / 3
"""Share of the alignment score from which on an unpaired score says that it comes of a cone and not of pairs."""
WIDE_CONE = 0.1
"""Unpaired score below which there is no cone to speak of."""


def modality_gap(image_features: Array, text_features: Array, *, seed: int = 0) -> dict[str, float]:
    """Measures the gap between paired images and texts, with x and y the features at unit length.

    Use one caption an image: several would put equal images among the pairs that are meant to differ. Beside each
    measure stands what independent uniform features of width d give on average, and one point for everything.

    - ``alignment_score``: mean of x_i . y_i (Eslami and de Melo, 2025). 0; 1.
    - ``unpaired_score``: mean of x_i . y_j over i != j. 0; 1.
    - ``paired_margin``: alignment score less unpaired score. 0; 0.
    - ``centroid_gap``: Euclidean distance between the means of x and of y (Liang et al., NeurIPS 2022). About
      sqrt(2 / n); 0.
    - ``relative_modality_gap``: p / (p + q) with p the mean of 1 - x_i . y_i and q the mean of 1 - x_i . x_j and
      1 - y_i . y_j over i != j (Schrodi et al., ICLR 2025). From 0, no gap, to 1, where each side is one point and the
      points differ. 1/2; 0 by convention, as both p and q are 0.
    - ``linear_separability``: share of held-out features that a linear classifier assigns to the right side, see
      ``linear_separability``. 1/2; 1/2.
    - ``image_uniformity``, ``text_uniformity``: log of the mean of exp(-2 |x_i - x_j|^2) over i != j (Wang and Isola,
      ICML 2020), lower is more uniform. About -4 + 8 / d; 0.

    Args:
        image_features: (n, d), any length.
        text_features: (n, d), any length; row i belongs to image i.
        seed: of the split of the linear classifier.

    Raises:
        DataError: fewer than two pairs, sides of different shape, zero or non-finite rows.
    """
    images, texts = _unit_pairs(image_features, text_features)
    n = len(images)
    aligned = (images * texts).sum(1)
    image_mean, text_mean = images.mean(0), texts.mean(0)
    alignment = float(aligned.mean())
    unpaired = float((n * image_mean @ text_mean - alignment) / (n - 1))
    pair_distance = float((images - texts).square().sum(1).mean()) / 2
    return {
        "alignment_score": alignment,
        "unpaired_score": unpaired,
        "paired_margin": alignment - unpaired,
        "centroid_gap": float(torch.linalg.vector_norm(image_mean - text_mean)),
        "relative_modality_gap": _relative(pair_distance, (_spread(images) + _spread(texts)) / 2),
        "linear_separability": linear_separability(images, texts, seed=seed),
        "image_uniformity": _uniformity(images),
        "text_uniformity": _uniformity(texts),
    }


def gap_warnings(panel: Mapping[str, float]) -> list[str]:
    """Says in what ways the alignment score of a panel misleads: one sentence each, none for a sound panel.

    A side is nearly one point where its uniformity is above ``NEAR_ONE_POINT``. The joint space is a narrow cone where
    the unpaired score is at least ``WIDE_CONE`` and at least ``NARROW_CONE`` of the alignment score.

    Args:
        panel: what ``modality_gap`` returns.
    """
    sentences = [
        f"All {side}s lie nearly at one point (uniformity {panel[f'{side}_uniformity']:.3f}): whatever lies there is "
        "near to all of them."
        for side in ("image", "text")
        if panel[f"{side}_uniformity"] > NEAR_ONE_POINT
    ]
    paired, unpaired = panel["alignment_score"], panel["unpaired_score"]
    if unpaired >= max(WIDE_CONE, NARROW_CONE * paired):
        sentences.append(
            f"Unpaired images and texts score {unpaired:.3f} where pairs score {paired:.3f}: the alignment score comes "
            "of a narrow cone that holds everything, not of pairs."
        )
    return sentences


def linear_separability(image_features: Array, text_features: Array, *, seed: int = 0) -> float:
    """Returns the share of held-out features that a linear classifier assigns to the right side.

    Logistic regression (C = 1, columns standardised by what it learns from) learns from a random half of the pairs and
    is asked about both sides of the others, so 1/2 means that it cannot tell images from texts, 1 that a plane
    parts them. The gap can be small and the separability 1. With few pairs for its many columns the classifier learns
    little, so compare models on the same pairs.

    Args:
        image_features: (n, d), any length.
        text_features: (n, d), any length; row i belongs to image i, and both stand in the same half.
        seed: of the split.

    Raises:
        DataError: as ``modality_gap``.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, texts = (side.cpu().numpy() for side in _unit_pairs(image_features, text_features))
    halves = np.array_split(np.random.default_rng(seed).permutation(len(images)), 2)
    (learned, sides), (held_out, true_sides) = (
        (np.concatenate([images[half], texts[half]]), np.repeat([0, 1], len(half))) for half in halves
    )
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    return float(classifier.fit(learned, sides).score(held_out, true_sides))


def _unit_pairs(image_features: Array, text_features: Array) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the checked rows in float64 at unit length."""
    if len(image_features) != len(text_features) or len(image_features) < 2:
        raise DataError(
            f"modality gap of {len(image_features)} images and {len(text_features)} texts: needs two pairs or more, "
            "a text for every image"
        )
    sides = unit_rows_pair(image_features, text_features, ("image_features", "text_features"))
    images, texts = (torch.nn.functional.normalize(side.double()) for side in sides)
    return images, texts


def _spread(rows: torch.Tensor) -> float:
    """Returns the mean of 1 - x_i . x_j over i != j, which is the unbiased variance of unit vectors."""
    return float((rows - rows.mean(0)).square().sum()) / (len(rows) - 1)


def _relative(pair_distance: float, inner_distance: float) -> float:
    whole = pair_distance + inner_distance
    return pair_distance / whole if whole > ONE_POINT else 0.0


def _uniformity(rows: torch.Tensor) -> float:
    """Returns the log of the mean Gaussian potential of all pairs, in blocks of rows."""
    total = sum(float((-4 * (1 - block @ rows.T)).exp().sum()) for block in rows.split(BLOCK_ROWS))
    return float(np.log((total - len(rows)) / (len(rows) * (len(rows) - 1))))
