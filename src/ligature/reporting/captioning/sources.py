"""What the part of the page on captioning is made from; a study may have none of it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ligature.errors import DataError
from ligature.reporting.captioning.controls import runs_of
from ligature.reporting.captioning.runs import (
    ALL,
    FURTHER,
    LISTED,
    MODELS,
    SETTINGS,
    labelled,
    normalised,
    plain_number,
)
from ligature.reporting.readers import read_results, read_table, read_typed_table

RUN_NUMBERS = ("parameters", "connector_parameters", "visual_tokens", "steps", "flops")
SPEEDS = ("images_per_second", "tokens_per_second", "step_seconds", "peak_mib")
VARIANT = re.compile(r"(?:pairs=(?P<pairs>all|\d+))?(?:(?:^|;)shots=(?P<shots>\d+))?(?:(?:^|;)noise=(?P<noise>[^;]+))?")
PAIRS = re.compile(rf"{ALL}|[1-9]\d{{0,14}}")
AGAIN = "run the stage that makes it again"


@dataclass(frozen=True)
class CaptioningSources:
    """Where the inputs are; None or an absent file for what a study does not have.

    Attributes:
        results: csv of result rows, the model being the run.
        runs: csv, one row a run and number of pairs, with its settings.
        trajectories: csv, one row a training, stage, step and loss.
        captions: csv, captions of images with their references.
        words: csv, one row a training, image and patch: the token that is nearest to it.
        speed: csv, one row a training.
    """

    results: Path | None = None
    runs: Path | None = None
    trajectories: Path | None = None
    captions: Path | None = None
    words: Path | None = None
    speed: Path | None = None

    @classmethod
    def in_folder(cls, folder: Path | str) -> "CaptioningSources":
        """Returns the sources in the results folder of a study, where the stage leaves them."""
        folder = Path(folder) / "captioning"
        return cls(**{name: folder / f"{name}.csv" for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class CaptioningInputs:
    """The sources as tables; one that is absent is empty.

    Attributes:
        results: result rows with their variant in columns: ``pairs`` (text), ``shots``, ``noise`` (NaN where the task
            has none).
        runs: one row a run and number of pairs, in order of display, with ``label`` (see ``runs.labelled``).
        trajectories: losses.
        captions: captions, ``references`` being lists of texts.
        words: tokens of patches.
        speed: rates and memory.
    """

    results: pd.DataFrame
    runs: pd.DataFrame
    trajectories: pd.DataFrame
    captions: pd.DataFrame
    words: pd.DataFrame
    speed: pd.DataFrame


def read_captioning(sources: CaptioningSources) -> CaptioningInputs:
    """Reads all sources.

    Raises:
        DataError: a file is not what it should be, a column or number is missing, or a run has no settings.
    """
    key, image = ["run", "pairs"], ["dataset", "image_id", "path"]
    inputs = CaptioningInputs(
        results=with_variant_columns(read_results(sources.results), sources.results),
        runs=_runs(sources.runs),
        trajectories=_trained(sources.trajectories, [*key, "stage", "metric"], ["seed", "epoch", "step", "value"]),
        captions=_captions(sources.captions, [*key, *image, "caption", "references"], ["seed", "cider"]),
        words=_words(sources.words, [*key, *image, "token"]),
        speed=_trained(sources.speed, key, ["seed", *SPEEDS]),
    )
    known = set(inputs.runs["run"])
    for path, names in (
        (sources.results, runs_of(inputs.results)),
        (sources.trajectories, inputs.trajectories["run"]),
        (sources.captions, inputs.captions["run"]),
        (sources.words, inputs.words["run"]),
        (sources.speed, inputs.speed["run"]),
    ):
        if unknown := sorted(set(names.map(str)) - known):
            raise DataError(f"{path}: run {unknown[0]!r} is not in {sources.runs}; run the stage that makes them again")
    return inputs


def with_variant_columns(results: pd.DataFrame, path: Path | None = None) -> pd.DataFrame:
    """Returns result rows with ``pairs``, ``shots`` and ``noise`` read from their variant.

    Args:
        results: rows whose variant is, for example, ``pairs=1000``, ``pairs=all;shots=2`` or ``pairs=all;noise=0.3``.
        path: their file, for messages.

    Raises:
        DataError: a variant is something else.
    """
    found = {variant: _variant(variant, path) for variant in results["variant"].unique()}
    columns = [results["variant"].map({key: values[place] for key, values in found.items()}) for place in range(3)]
    pairs, shots, noise = columns
    return results.assign(
        model=results["model"].astype(str),
        pairs=pairs.astype(object),
        shots=shots.astype(float),
        noise=noise.astype(float),
    )


def _variant(variant: str, path: Path | None) -> tuple[str, int, float]:
    match = VARIANT.fullmatch(variant)
    try:
        noise = float(match["noise"] or "nan")
        return match["pairs"] or "", int(match["shots"] or 0), noise
    except (TypeError, ValueError):
        raise DataError(f"{path}: variant {variant[:60]!r} names no pairs, shots and noise; {AGAIN}") from None


def _trained(path: Path | None, texts: list[str], numbers: list[str]) -> pd.DataFrame:
    """Reads a table of trainings with the number of pairs in one form."""
    table = read_typed_table(path, texts, numbers)
    return table.assign(pairs=table["pairs"].map(plain_number).replace("", ALL))


def _captions(path: Path | None, texts: list[str], numbers: list[str]) -> pd.DataFrame:
    table = _trained(path, texts, numbers)
    lists = [_references(text, row, path) for row, text in enumerate(table["references"], start=1)]
    return table.assign(references=pd.Series(lists, index=table.index, dtype=object))


def _references(text: str, row: int, path: Path | None) -> list[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise DataError(f"{path}: column 'references', row {row}: no JSON list of texts; {AGAIN}")
    return found


def _words(path: Path | None, texts: list[str]) -> pd.DataFrame:
    places = ["row", "column", "rows", "columns"]
    table = _trained(path, texts, ["seed", *places, "weight"])
    whole = (table[places] == table[places].round()).all(axis=1)
    inside = (table["row"] < table["rows"]) & (table["column"] < table["columns"]) & (table[places] >= 0).all(axis=1)
    wrong = table.index[~(whole & inside)]
    if len(wrong):
        raise DataError(f"{path}: row {wrong[0] + 1}: the patch does not lie in its grid; {AGAIN}")
    return table.astype(dict.fromkeys(places, int))


def _runs(path: Path | None) -> pd.DataFrame:
    """Reads the runs with their settings in one form."""
    runs = read_typed_table(path, ["run", "pairs", "kind", *MODELS, *LISTED], RUN_NUMBERS)
    further = read_table(path, ["run"]).reindex(columns=list(FURTHER))
    runs = normalised(runs.join(further.astype(object).where(further.notna(), "")))
    for row, pairs in enumerate(runs["pairs"], start=1):
        if not PAIRS.fullmatch(pairs):
            raise DataError(f"{path}: column 'pairs', row {row}: {pairs[:60]!r} is neither a number nor 'all'; {AGAIN}")
    twice = runs.index[runs.duplicated(["run", "pairs"])]
    if len(twice):
        raise DataError(f"{path}: run {runs['run'][twice[0]]!r} stands twice with the same pairs; {AGAIN}")
    changing = runs.drop_duplicates(["run", *SETTINGS]).duplicated("run")
    if changing.any():
        raise DataError(f"{path}: run {runs['run'][changing.idxmax()]!r} has different settings in two rows; {AGAIN}")
    return labelled(runs)
