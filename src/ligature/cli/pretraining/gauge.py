"""`ligature gauge`: what one pre-trained pair can do, and how large a gap it leaves between images and texts."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch

from ligature.cli import measures
from ligature.cli.context import (
    PARAMS,
    RESULTS,
    DeviceOption,
    ParamsOption,
    PrecisionOption,
    ResultsOption,
    ThreadsOption,
    WorkersOption,
    open_layout,
)
from ligature.cli.pretraining.data import pretraining_params
from ligature.cli.pretraining.pair import CaptionedSet, PretrainedPair
from ligature.cli.pretraining.pretrain import RunArgument, SeedOption, chosen_run
from ligature.errors import DataError
from ligature.evaluation import Result, chance_top_k, gap_warnings, linear_probe_accuracy, results_table
from ligature.evaluation.cosine import BLOCK_ROWS, exact_scores, paired_scores, unit_rows_pair
from ligature.params.pretraining import LinearProbeParams
from ligature.progress import say
from ligature.store.atomic import write_csv

BINS = 80
"""Ranges of equal width between a cosine of -1 and one of 1."""
PROBE = "linear probe"
DECIMALS = 4


def gauge(
    run: RunArgument,
    seed: SeedOption,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    workers: WorkersOption = 0,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Measure one pre-trained pair: zero-shot classification, retrieval, the modality gap and a linear probe."""
    layout = open_layout(params, results, threads)
    chosen_run(layout, run, seed)
    block, folder = pretraining_params(layout), layout.pretrained(run, seed)
    pair = PretrainedPair.load(layout, run, seed, device=device, precision=precision, workers=workers)
    joints = {name: pair.captioned(name) for name in block.retrieval}
    images, texts, owners = first_captions(joints[block.retrieval[0]])
    rows = [*measure(pair, block.classification, joints), *_probe(pair, block.probe, device)]
    write_csv(folder / "results.csv", results_table(rows))
    write_csv(folder / "similarities.csv", similarity_histogram(images, texts))
    shown = _drawn(len(owners), layout.study.report.tsne_points, layout.study.report.seed)
    write_csv(folder / "features_2d.csv", principal_plane(images[shown], texts[shown], owners[shown]))


def measure(pair: PretrainedPair, labelled: list[str], captioned: Mapping[str, CaptionedSet]) -> list[Result]:
    """Returns zero-shot classification, retrieval and the gap, with chance; says where an alignment score misleads.

    Args:
        pair: the pre-trained pair.
        labelled: data sets with class names, asked with their main prompts.
        captioned: captioned data sets by name.
    """
    rows: list[Result] = []
    for dataset in labelled:
        rows += [row for row in measures.classification(pair, dataset) if row.variant == ""]
    for dataset, joint in captioned.items():
        gap = list(measures.gap(pair, dataset, joint))
        for warning in gap_warnings({row.metric: row.value for row in gap}):
            say(f"{pair.name}, seed {pair.seed}, {dataset}: {warning}")
        rows += [*measures.retrieval(pair, dataset, joint), *gap]
    return rows


def _probe(pair: PretrainedPair, probe: LinearProbeParams | None, device: str) -> Iterator[Result]:
    """Yields the accuracy of a linear classifier on image features, the penalty that it chose, and chance."""
    if probe is None:
        return
    learned, told = (torch.from_numpy(pair.labelled(name)[0]).to(device) for name in (probe.train, probe.test))
    classes, true = probe_labels(pair, probe)
    metrics = linear_probe_accuracy(learned, classes, told, true, probe.penalties, pair.seed)
    count = len(np.unique(classes))
    chance = dict.fromkeys(("top1", "mean_per_class"), chance_top_k(1, count))
    split = pair.layout.study.datasets[probe.test].split
    protocol = f"logistic regression on {probe.train}, penalty by a held-out fifth, {count} classes"
    for model, values in {pair.name: metrics, "chance": chance}.items():
        for metric, value in values.items():
            yield Result(PROBE, probe.test, split, model, protocol, metric, value, len(true), pair.seed)


def probe_labels(pair: PretrainedPair, probe: LinearProbeParams) -> tuple[np.ndarray, np.ndarray]:
    """Returns the labels of the images of both data sets of a linear probe, equal for equal classes.

    Labels are numbers where both have the same list of classes, which may hold a name twice, and names otherwise.

    Raises:
        DataError: the lists differ and a name stands twice in one of them.
    """
    names = {dataset: pair.class_names(dataset) for dataset in (probe.train, probe.test)}
    labels = {dataset: pair.labelled(dataset)[1] for dataset in names}
    if names[probe.train] != names[probe.test]:
        for dataset, listed in names.items():
            twice = pd.Series(listed)[pd.Series(listed).duplicated()]
            if len(twice):
                raise DataError(
                    f"pretraining.probe: data set {dataset!r} has two classes named {twice.iloc[0]!r}, so its classes "
                    f"cannot be matched with others; give both data sets the same classes"
                )
        labels = {dataset: np.array(names[dataset])[of_images] for dataset, of_images in labels.items()}
    return labels[probe.train], labels[probe.test]


def first_captions(joint: CaptionedSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the images that have captions [n, d], the first caption of each [n, d], and their image rows [n]."""
    owners, first = np.unique(joint.image_of_text, return_index=True)
    return joint.images[owners], joint.texts[first], owners


def similarity_histogram(images: np.ndarray, texts: np.ndarray) -> pd.DataFrame:
    """Counts the cosines of pairs, and of all images with the texts of others, tile by tile.

    Args:
        images: [n, d], any length.
        texts: [n, d], any length; row i belongs to image i.

    Returns:
        ``kind`` (``paired`` or ``unpaired``), ``low``, ``high`` and ``count``: ``BINS`` rows a kind. A range holds its
        low end; the last one holds both.
    """
    rows, others = unit_rows_pair(images, texts, ("images", "texts"))
    own = torch.arange(len(rows))
    paired = _counts(paired_scores(rows, others, own, own))
    both = sum(
        _counts(exact_scores(block, tile)) for block in rows.split(BLOCK_ROWS) for tile in others.split(BLOCK_ROWS)
    )
    edges = np.linspace(-1, 1, BINS + 1).round(DECIMALS)
    parts = [
        pd.DataFrame({"kind": kind, "low": edges[:-1], "high": edges[1:], "count": count})
        for kind, count in (("paired", paired), ("unpaired", both - paired))
    ]
    return pd.concat(parts, ignore_index=True)


def _counts(cosines: torch.Tensor) -> np.ndarray:
    places = ((cosines.flatten() + 1) * (BINS / 2)).long().clamp(0, BINS - 1)
    return places.bincount(minlength=BINS).numpy()


def _drawn(count: int, most: int, seed: int) -> np.ndarray:
    """Returns up to ``most`` rows at random, in ascending order."""
    return np.sort(np.random.default_rng(seed).choice(count, min(most, count), replace=False))


def principal_plane(images: np.ndarray, texts: np.ndarray, pairs: np.ndarray) -> pd.DataFrame:
    """Places images and texts in the plane of the two first principal components of their union.

    The map is linear, so a gap between the modalities looks as wide as it is. The largest weight of a component is
    positive.

    Args:
        images: [n, d] unit features.
        texts: [n, d] unit features.
        pairs: [n] number of each pair.

    Returns:
        ``modality`` (``image`` or ``text``), ``pair``, ``x`` and ``y``, one row a feature.
    """
    union = np.concatenate([images, texts]).astype(np.float64)
    centred = union - union.mean(0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:2]
    largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
    points = centred @ (components * np.sign(largest)).T
    modality = np.repeat(["image", "text"], len(pairs))
    table = pd.DataFrame({"modality": modality, "pair": np.tile(pairs, 2), "x": points[:, 0], "y": points[:, 1]})
    return table.round(DECIMALS)
