"""`ligature pretraining`: all pre-trainings of a study put together, as the page reads them."""

from pathlib import Path
from typing import Any

import pandas as pd

from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.cli.pretraining.data import pretraining_params
from ligature.cli.pretraining.pretrain import BETA
from ligature.errors import DataError
from ligature.params.pretraining_checks import pretrained_runs
from ligature.pretraining.training import CARD, HISTORY
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json
from ligature.store.damage import read_sealed, reading

VALIDATION = "validation_"
HEADLINES = {
    "classification": ("top1",),
    "retrieval": ("i2t_recall@1", "t2i_recall@1"),
    "gap": ("alignment_score", "paired_margin", "centroid_gap"),
    "linear probe": ("top1",),
}
"""Metrics of every task by which experiments are compared."""


def pretraining(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Put all runs of the pre-training together: results, settings, trajectories, similarities and features."""
    layout = open_layout(params, results)
    block, folder = pretraining_params(layout), layout.pretraining
    trainings = pretrained_runs(layout.study)
    shown = [(run, seed) for run, seed in trainings if seed == block.seeds[0]]
    runs = pd.DataFrame([_run_row(layout, run, seed) for run, seed in shown])
    histories = [_of(trajectory(_read(layout, *of, HISTORY, "pretrain")), *of) for of in trainings]
    measured = pd.concat([_read(layout, *of, "results.csv", "gauge") for of in trainings])
    write_csv(folder / "runs.csv", runs)
    write_csv(folder / "trajectories.csv", pd.concat(histories))
    write_csv(folder / "results.csv", measured.drop_duplicates())
    write_csv(folder / "similarities.csv", _together(layout, trainings, "similarities.csv"))
    write_csv(folder / "features_2d.csv", _together(layout, shown, "features_2d.csv"))
    write_json(folder / "metrics.json", headline_metrics(measured))


def _run_row(layout: Layout, name: str, seed: int) -> dict[str, Any]:
    """Returns the settings of a run, without those that have no effect, and what the training with one seed took."""
    run = pretraining_params(layout).points[name]
    path = layout.pretrained(name, seed) / CARD
    _require(path, name, seed, "pretrain")
    facts = read_sealed(path)["facts"]
    apart = run.separation != "none"
    return {
        "run": name,
        "sharing": run.sharing,
        "separation": run.separation,
        "rescaling": run.rescaling if apart else "",
        "objective": run.objective if apart else "",
        "alpha": run.alpha,
        "beta": (run.beta or BETA) if apart else None,
        "logit_scale": str(run.logit_scale),
        "parameters": facts["trainable_parameters"],
        "steps": facts["steps"],
        "flops": facts["flops"],
    }


def trajectory(history: pd.DataFrame) -> pd.DataFrame:
    """Returns what changes from epoch to epoch in the history of one training.

    Args:
        history: one row a step, all values as text; ``validation_*`` is empty where it was not measured.

    Returns:
        ``epoch``, ``step`` (its last), ``metric`` and ``value``: every metric of the validation at measured epochs, and
        of all epochs ``train_loss``, their mean, and ``logit_scale``, one over the temperature of the last step.
    """
    values = history.replace("", "nan").astype(float).astype({"epoch": int, "step": int})
    epochs = values.groupby("epoch")
    table = epochs[["step"]].last()
    for column in history.columns[history.columns.str.startswith(VALIDATION)]:
        table[column.removeprefix(VALIDATION)] = epochs[column].last()
    table["train_loss"] = epochs["train_loss"].mean()
    table["logit_scale"] = 1 / epochs["temperature"].last()
    rows = table.reset_index().melt(["epoch", "step"], var_name="metric").dropna(subset="value")
    return rows.sort_values("epoch", kind="stable")


def headline_metrics(results: pd.DataFrame) -> dict[str, float]:
    """Returns the numbers to look at first as ``run/data set/metric``, means over seeds.

    Args:
        results: rows of all runs as text.
    """
    found: dict[str, list[float]] = {}
    for row in results[results["model"] != "chance"].itertuples():
        if row.metric in HEADLINES.get(row.task, ()):
            prefix = "linear-probe/" if row.task == "linear probe" else ""
            found.setdefault(f"{row.model}/{row.dataset}/{prefix}{row.metric}", []).append(float(row.value))
    return {name: sum(values) / len(values) for name, values in found.items()}


def _together(layout: Layout, trainings: list[tuple[str, int]], name: str) -> pd.DataFrame:
    return pd.concat([_of(_read(layout, *of, name, "gauge"), *of) for of in trainings])


def _of(table: pd.DataFrame, run: str, seed: int) -> pd.DataFrame:
    """Returns a table with the columns ``run`` and ``seed`` before its own."""
    names = pd.DataFrame({"run": run, "seed": seed}, index=table.index)
    return pd.concat([names, table], axis=1)


def _read(layout: Layout, run: str, seed: int, name: str, verb: str) -> pd.DataFrame:
    """Reads a table of one training as it was written, every value as text.

    Raises:
        DataError: when the file is missing, naming what to run.
    """
    path = layout.pretrained(run, seed) / name
    _require(path, run, seed, verb)
    with reading(path):
        return pd.read_csv(path, dtype=str, keep_default_na=False)


def _require(path: Path, run: str, seed: int, verb: str) -> None:
    if not path.is_file():
        raise DataError(f"{path}: missing; run `ligature {verb} {run} --seed {seed}` first")
