"""The `pairs` block: which encoders are compared on what, and how the pair is chosen."""

from typing import Literal

from pydantic import Field

from ligature.params.base import Block, Name, Positive, Seed


class ProbeParams(Block):
    """A short projector training for every pair, to test whether similarity predicts retrieval."""

    train: Name
    """Captioned data set to train on."""
    test: Name
    """Captioned data set on which retrieval is measured."""
    steps: Positive = 200
    """Optimiser steps."""
    batch_size: Positive = 256
    """Image-text pairs a step."""
    embed_dim: Positive = 128
    """Width of the joint space."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate."""
    seed: Seed = 0
    """Seed of weights and data order."""


class PairChoice(Block):
    """A pair fixed by name instead of by rank."""

    vision: Name
    text: Name


class PairsParams(Block):
    """Discovery of the encoder pair that agrees best."""

    datasets: list[Name] = Field(min_length=1)
    """Captioned data sets on which similarity is measured; the ranking is by the mean over them."""
    vision: list[Name] | None = Field(None, min_length=1)
    """Vision encoders that are compared; null for all of the study."""
    text: list[Name] | None = Field(None, min_length=1)
    """Text encoders that are compared; null for all of the study."""
    rank_by: Literal["cka_debiased", "cka_biased", "cka_rbf", "mutual_knn"] = "cka_debiased"
    """Metric whose largest value decides."""
    choose: PairChoice | None = None
    """Fixes the pair instead."""
    permutations: Positive = 200
    """Draws of the permutation null."""
    bootstraps: Positive = 200
    """Draws of the bootstrap interval."""
    neighbours: Positive = 10
    """Neighbours of the mutual k-NN."""
    seed: Seed = 0
    """Seed of permutations, bootstraps and subsamples."""
    probe: ProbeParams
