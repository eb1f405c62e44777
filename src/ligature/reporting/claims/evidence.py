"""What claims are tested on, and what a claim is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from ligature.reporting.claims.effect import Effect


@dataclass(frozen=True)
class Evidence:
    """The tables of a study that claims are tested on; one that a study has not is empty.

    Attributes:
        correlations: how similarity follows the probe's retrieval, one row a metric and target.
        results: rows of the aligned pair.
        ablation: rows of the mixes.
        mixes: the sets of every mix.
        sweep: rows of the sweep's runs.
        segmentation: IoU by class, one row a class.
        matching: rows of matching without training, means over draws.
        matching_seedwise: rows of matching without training, one row a draw.
        matching_cka: CKA of true and shuffled pairs, one row an encoder pair, order and metric.
        pretraining: rows of pre-training, the model being the run.
        pretraining_runs: settings of these runs, as ``pretraining.runs.labelled`` gives them.
        captioning: rows of captioning with their variant in columns, the model being the run.
        captioning_runs: settings of these runs, as ``captioning.runs.labelled`` gives them.
        captioning_speed: rates and memory, one row a training.
    """

    correlations: pd.DataFrame
    results: pd.DataFrame
    ablation: pd.DataFrame
    mixes: pd.DataFrame
    sweep: pd.DataFrame
    segmentation: pd.DataFrame
    matching: pd.DataFrame = field(default_factory=pd.DataFrame)
    matching_seedwise: pd.DataFrame = field(default_factory=pd.DataFrame)
    matching_cka: pd.DataFrame = field(default_factory=pd.DataFrame)
    pretraining: pd.DataFrame = field(default_factory=pd.DataFrame)
    pretraining_runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    captioning: pd.DataFrame = field(default_factory=pd.DataFrame)
    captioning_runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    captioning_speed: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Claim:
    """A published claim, or a check of our own that says so.

    Attributes:
        claim: in one sentence.
        published: the figures it was published with.
        effect: measures it on the tables of a study; None where they do not hold what it takes.
        missing: what a study needs for it.
    """

    claim: str
    published: str
    effect: Callable[[Evidence], Effect | None]
    missing: str
