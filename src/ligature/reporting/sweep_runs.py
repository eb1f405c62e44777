"""Runs of the sweep: what sets them apart, which of them are runs of the published ablation, and which are twins."""

from collections.abc import Mapping

import pandas as pd

from ligature.params.train import AssemblyParams, LossParams, SweepRun
from ligature.reporting.aggregate import main_rows, with_chance
from ligature.reporting.outcome_readings import headlines_of
from ligature.reporting.result_tables import published_figures

BRANCHES = ("vision_local", "vision_cls", "text_local", "text_global")
MEASURE = ["dataset", "split", "protocol", "metric"]
PUBLISHED_TABLE = "T1"
Runs = Mapping[str, SweepRun]


def sweep_measures(results: pd.DataFrame) -> pd.DataFrame:
    """Returns top-1 and R@1 of every run as ``model``: ``value`` and ``sd`` over ``seeds``, and ``chance``."""
    return headlines_of(with_chance(main_rows(results))).reset_index(drop=True)


def blocks(run: SweepRun) -> str:
    """Returns the blocks of patches, image CLS, text tokens and pooled text, as the published ablation names them."""
    return " / ".join(getattr(run, branch) for branch in BRANCHES)


def published_top1() -> dict[str, float]:
    """Returns ImageNet top-1 in % of the published ablation by its blocks."""
    figures = published_figures()
    rows = figures[figures["table"] == PUBLISHED_TABLE]
    return dict(zip(rows["row"], rows["value"], strict=True))


def published_row(run: SweepRun) -> str | None:
    """Returns the row of the published ablation with the blocks, means and loss of a run; None if it is none.

    A run on data or with an optimisation of its own is none: it is there to be compared with others that share them.
    """
    if run.changed:
        return None
    defaults = AssemblyParams()
    poolings = (run.vision_pooling, run.text_pooling) == (defaults.vision_pooling, defaults.text_pooling)
    return blocks(run) if poolings and run.loss == LossParams() and blocks(run) in published_top1() else None


def assemblies(runs: Runs) -> dict[str, str]:
    """Returns the rows of the published ablation by the names of the runs that stand for them, one run a row.

    All of them have one kind of features, the one in which most rows were run: only such runs can be compared.
    """
    rows_of_mode: dict[str, dict[str, str]] = {}
    for name, run in runs.items():
        row = published_row(run)
        if row is not None:
            rows_of_mode.setdefault(run.mode, {}).setdefault(row, name)
    found = max(rows_of_mode.values(), key=len, default={})
    return {name: row for row, name in found.items()}


def twins(runs: Runs, field: str) -> list[list[str]]:
    """Returns groups of runs that differ in ``field`` (``mode`` or ``loss``) alone, two or more in a group."""
    groups: dict[str, list[str]] = {}
    for name, run in runs.items():
        groups.setdefault(run.model_dump_json(exclude={field}), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def loss_name(loss: LossParams) -> str:
    """Returns the loss in a few words."""
    kind = {"infonce": "InfoNCE", "siglip": "SigLIP"}[loss.kind]
    return f"{kind} in groups of {loss.group}" if loss.group else kind
