"""Zero-shot classification: class features from prompts, accuracy with ties counted against the model."""

from collections.abc import Sequence

import torch

from ligature.errors import DataError
from ligature.evaluation.cosine import Array, paired_scores, row_indices, unit_rows, unit_rows_pair
from ligature.evaluation.ranking import CHUNK, count_at_least, top_k_matches


def class_embeddings(prompt_features: Array, class_of_prompt: Array, n_classes: int) -> torch.Tensor:
    """Returns each class's feature, the renormalised mean of its unit-length prompts (Radford et al. 2021).

    Args:
        prompt_features: (n_prompts, d), any length.
        class_of_prompt: (n_prompts,) class of each prompt.
        n_classes: number of classes.

    Returns:
        (n_classes, d) float32 of unit length.

    Raises:
        DataError: a class without prompts, prompts of a class that cancel, or inputs that do not fit.
    """
    prompts = unit_rows(prompt_features, "prompt_features")
    owner = row_indices(class_of_prompt, len(prompts), n_classes, "class_of_prompt").to(prompts.device)
    missing = (owner.bincount(minlength=n_classes) == 0).nonzero()
    if len(missing):
        raise DataError(f"class {int(missing[0])} of {n_classes} has no prompt; give every class at least one")
    sums = torch.zeros(n_classes, prompts.shape[1], dtype=torch.float64, device=prompts.device)
    return unit_rows(sums.index_add_(0, owner, prompts.double()), "class means of prompt_features")


def zero_shot_accuracy(
    image_features: Array,
    class_features: Array,
    labels: Array,
    ks: Sequence[int] = (1, 5),
    *,
    chunk: int = CHUNK,
) -> dict[str, float]:
    """Returns the accuracy of choosing the class of highest cosine similarity.

    An image is right at k when fewer than k other classes score at least as high as its own, so classes that
    cannot be told apart are wrong, not lucky.

    Args:
        image_features: (n_images, d), any length.
        class_features: (n_classes, d), any length, for example from ``class_embeddings``.
        labels: (n_images,) right class of each image.
        ks: the k of top-k accuracy.
        chunk: images and classes of a tile.

    Returns:
        ``top{k}`` for every k, fraction of images; ``mean_per_class``, the mean over the classes that
        occur in ``labels`` of their top-1 accuracy.

    Raises:
        DataError: inputs that do not fit, zero or non-finite rows, or a k not in 1..n_classes.
    """
    images, classes = unit_rows_pair(image_features, class_features, ("image_features", "class_features"))
    labels = row_indices(labels, len(images), len(classes), "labels").to(images.device)
    for k in ks:
        if not 1 <= k <= len(classes):
            raise DataError(f"top-{k} accuracy of {len(classes)} classes: k must be between 1 and {len(classes)}")
    right = paired_scores(images, classes, torch.arange(len(images), device=images.device), labels)
    ranks, _ = count_at_least(images, classes, right, chunk=chunk)
    accuracy = {f"top{k}": float((ranks <= k).double().mean()) for k in ks}
    return accuracy | {"mean_per_class": _mean_per_class(ranks == 1, labels)}


def zero_shot_predictions(image_features: Array, class_features: Array, *, chunk: int = CHUNK) -> torch.Tensor:
    """Returns the most similar class of every image, (n_images,) int64; of equal ones the lowest.

    Raises:
        DataError: zero or non-finite rows, or different widths.
    """
    return top_k_matches(image_features, class_features, 1, chunk=chunk)[1][:, 0]


def _mean_per_class(right: torch.Tensor, labels: torch.Tensor) -> float:
    images = labels.bincount()
    hits = labels[right].bincount(minlength=len(images))
    present = images > 0
    return float((hits[present].double() / images[present]).mean())
