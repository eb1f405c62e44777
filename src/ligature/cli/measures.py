"""What is measured of an aligned pair: classification, retrieval and the modality gap as rows of results."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from ligature.cli.aligned import Aligned
from ligature.cli.features import variants
from ligature.evaluation import (
    Result,
    chance_retrieval_recall,
    chance_top_k,
    class_embeddings,
    modality_gap,
    retrieval_recall,
    zero_shot_accuracy,
)
from ligature.store import Layout

ENGLISH = "en"


class CaptionedFeatures(Protocol):
    """Images [n, d] and texts [m, d] of a data set in a joint space, with the image row [m] of each text."""

    @property
    def images(self) -> np.ndarray:
        """Joint features of the images."""

    @property
    def texts(self) -> np.ndarray:
        """Joint features of the texts."""

    @property
    def image_of_text(self) -> np.ndarray:
        """Image row of each text."""


class JointModel(Protocol):
    """What can be measured: features of the data sets of a study in one joint space; ``Aligned`` explains the rest."""

    layout: Layout
    name: str
    seed: int

    def labelled(self, dataset: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the features of a labelled data set's images and their labels."""

    def prompts(self, dataset: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields prompt sets of a labelled data set: variant, features of the prompts, their labels."""

    def captioned(self, dataset: str) -> CaptionedFeatures:
        """Returns a captioned data set with its own captions."""


def classification(aligned: JointModel, dataset: str) -> Iterator[Result]:
    """Yields zero-shot classification with the main templates and with every further prompt set, and chance."""
    params = aligned.layout.study.datasets[dataset]
    languages = {prompts.language for prompts in params.prompts.values()} - {ENGLISH}
    images, labels = aligned.labelled(dataset)
    for variant, prompts, classes in aligned.prompts(dataset):
        task = "multilingual classification" if variant in languages else "classification"
        yield from _accuracy(aligned, task, dataset, variant, images, labels, prompts, classes)
        if languages and variant == "":
            english = (aligned, "multilingual classification", dataset, ENGLISH)
            yield from _accuracy(*english, images, labels, prompts, classes)


def _accuracy(
    aligned: JointModel,
    task: str,
    dataset: str,
    variant: str,
    images: np.ndarray,
    labels: np.ndarray,
    prompts: np.ndarray,
    class_of_prompt: np.ndarray,
) -> Iterator[Result]:
    classes = int(class_of_prompt.max()) + 1
    ks = tuple(k for k in (1, 5) if k <= classes)
    metrics = zero_shot_accuracy(images, class_embeddings(prompts, class_of_prompt, classes), labels, ks)
    each = len(prompts) / classes
    protocol = f"{each:.3g} prompt{'' if each == 1 else 's'} a class, mean renormalised, {classes} classes"
    chance = {f"top{k}": chance_top_k(k, classes) for k in ks} | {"mean_per_class": chance_top_k(1, classes)}
    sizes = dict.fromkeys(metrics, len(labels))
    yield from _rows(aligned, task, dataset, protocol, {aligned.name: metrics, "chance": chance}, sizes, variant)


def retrieval(aligned: JointModel, dataset: str, joint: CaptionedFeatures) -> Iterator[Result]:
    """Yields retrieval in both directions of a data set's own captions, and chance."""
    captions = np.bincount(joint.image_of_text).max()
    yield from _recall(aligned, "retrieval", dataset, f"cosine, best of {captions} captions", joint)


def retrieval_variants(aligned: Aligned, dataset: str) -> Iterator[Result]:
    """Yields retrieval with the translations of a data set, and with its descriptions by length."""
    params = aligned.layout.study.datasets[dataset]
    languages = params.translations.languages if params.translations else []
    for variant in variants(aligned.layout, aligned.text, dataset, aligned.mode):
        joint = aligned.captioned(dataset, variant)
        if variant in languages:
            yield from _recall(aligned, "multilingual retrieval", dataset, "cosine, 1 caption", joint, variant)
        elif variant:
            words = variant.removesuffix("w")
            yield from _recall(aligned, "long text retrieval", dataset, "cosine, 1 description", joint, words)


def _recall(
    aligned: JointModel, task: str, dataset: str, protocol: str, joint: CaptionedFeatures, variant: str = ""
) -> Iterator[Result]:
    owners = joint.image_of_text
    metrics = {
        aligned.name: retrieval_recall(joint.images, joint.texts, owners),
        "chance": chance_retrieval_recall(owners, len(joint.images)),
    }
    of_direction = {"i2t": len(np.unique(owners)), "t2i": len(joint.texts)}
    sizes = {metric: of_direction[metric[:3]] for metric in metrics[aligned.name]}
    yield from _rows(aligned, task, dataset, protocol, metrics, sizes, variant)


def gap(aligned: JointModel, dataset: str, joint: CaptionedFeatures) -> Iterator[Result]:
    """Yields the modality-gap panel of images and their first captions."""
    owners, first = np.unique(joint.image_of_text, return_index=True)
    metrics = modality_gap(joint.images[owners], joint.texts[first], seed=aligned.seed)
    sizes = dict.fromkeys(metrics, len(owners))
    yield from _rows(aligned, "gap", dataset, "unit features, first captions", {aligned.name: metrics}, sizes)


def _rows(
    aligned: JointModel,
    task: str,
    dataset: str,
    protocol: str,
    metrics: Mapping[str, Mapping[str, float]],
    sizes: Mapping[str, int],
    variant: str = "",
) -> Iterator[Result]:
    """Yields one row a model and metric."""
    split = aligned.layout.study.datasets[dataset].split
    for model, values in metrics.items():
        for metric, value in values.items():
            yield Result(
                task, dataset, split, model, protocol, metric, value, sizes[metric], aligned.seed, variant=variant
            )


def measure(
    aligned: Aligned, labelled: list[str], captioned: list[str], *, with_variants: bool = False
) -> list[Result]:
    """Returns the main rows of classification and retrieval on the given data sets, as short studies need them.

    ``with_variants`` adds prompt sets, languages, and descriptions by length.
    """
    rows: list[Result] = []
    for dataset in labelled:
        rows += [row for row in classification(aligned, dataset) if with_variants or row.variant == ""]
    for dataset in captioned:
        rows += retrieval(aligned, dataset, aligned.captioned(dataset))
        rows += retrieval_variants(aligned, dataset) if with_variants else []
    return rows
