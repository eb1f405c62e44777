"""What the part of the page on pre-training is made from; a study may have none of it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ligature.errors import DataError
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.pretraining.runs import LEARNED, SETTINGS, labelled, normalised
from ligature.reporting.readers import read_results, read_typed_table


@dataclass(frozen=True)
class PretrainingSources:
    """Where the inputs are; None or an absent file for what a study does not have.

    Attributes:
        results: csv of result rows, the model being the run.
        runs: csv, one row a run with its settings.
        trajectories: csv, one row a run, seed, epoch and metric.
        similarities: csv, one row a run, seed, kind of pairs and range of cosines.
        features: csv, features of the first seed in the plane.
    """

    results: Path | None = None
    runs: Path | None = None
    trajectories: Path | None = None
    similarities: Path | None = None
    features: Path | None = None

    @classmethod
    def in_folder(cls, folder: Path | str) -> "PretrainingSources":
        """Returns the sources in the results folder of a study, where the stage leaves them."""
        folder = Path(folder) / "pretraining"
        return cls(
            results=folder / "results.csv",
            runs=folder / "runs.csv",
            trajectories=folder / "trajectories.csv",
            similarities=folder / "similarities.csv",
            features=folder / "features_2d.csv",
        )


@dataclass(frozen=True)
class PretrainingInputs:
    """The sources as tables; one that is absent is empty.

    ``runs`` stand in order of display, with ``variant``, ``scale`` and ``label`` (see ``runs.labelled``).
    """

    results: pd.DataFrame
    runs: pd.DataFrame
    trajectories: pd.DataFrame
    similarities: pd.DataFrame
    features: pd.DataFrame


def read_pretraining(sources: PretrainingSources) -> PretrainingInputs:
    """Reads all sources.

    Raises:
        DataError: a file is not what it should be, a column or number is missing, or a run has no settings.
    """
    inputs = PretrainingInputs(
        results=read_results(sources.results),
        runs=_runs(sources.runs),
        trajectories=read_typed_table(sources.trajectories, ["run", "metric"], ["seed", "epoch", "step", "value"]),
        similarities=read_typed_table(sources.similarities, ["run", "kind"], ["seed", "low", "high", "count"]),
        features=read_typed_table(sources.features, ["run", "modality", "pair"], ["seed", "x", "y"]),
    )
    known = {CHANCE, *inputs.runs["run"]}
    for path, names in (
        (sources.results, inputs.results["model"]),
        (sources.trajectories, inputs.trajectories["run"]),
        (sources.similarities, inputs.similarities["run"]),
        (sources.features, inputs.features["run"]),
    ):
        if unknown := sorted(set(names) - known):
            raise DataError(f"{path}: run {unknown[0]!r} is not in {sources.runs}; run the stage that makes them again")
    return inputs


def _runs(path: Path | None) -> pd.DataFrame:
    """Reads the runs with their settings in one form."""
    texts = [key for key in SETTINGS if key not in ("alpha", "beta")]
    runs = read_typed_table(path, ["run", *texts], ["alpha", "beta", "parameters", "steps", "flops"])
    twice = runs.index[runs["run"].duplicated()]
    if len(twice):
        raise DataError(f"{path}: run {runs['run'][twice[0]]!r} stands twice; run the stage that makes it again")
    runs = normalised(runs)
    wrong = runs.index[~runs["logit_scale"].isin(LEARNED) & pd.to_numeric(runs["logit_scale"], errors="coerce").isna()]
    if len(wrong):
        raise DataError(
            f"{path}: column 'logit_scale', row {wrong[0] + 1}: {runs['logit_scale'][wrong[0]]!r} is neither a number "
            f"nor one of {', '.join(LEARNED)}; run the stage that makes it again"
        )
    return labelled(runs)
