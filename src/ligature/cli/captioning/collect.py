"""`ligature captioning`: all vision-language models of a study put together, as the page reads them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ligature.captioning.connectors import ConnectorConfig
from ligature.captioning.training import CARD, HISTORY
from ligature.cli.captioning.data import captioning_params, name_of_pairs
from ligature.cli.captioning.scores import CONTROLS, TASK
from ligature.cli.context import PARAMS, RESULTS, ParamsOption, ResultsOption, open_layout
from ligature.errors import DataError
from ligature.params.captioning import COMMON, OF_KIND, ConnectorParams
from ligature.params.captioning_checks import Trained, captioning_recipe, captioning_runs
from ligature.store import Layout
from ligature.store.atomic import write_csv, write_json
from ligature.store.damage import read_json, read_sealed, reading

VALIDATION = "validation_loss"
SETTINGS = ("factor", "head_init", "vocabulary_norm", "pruned")
"""Settings of a connector that tables show first."""
HEADLINES = ("cider", "bleu4", "rouge_l", "meteor", "spice")
"""Metrics by which experiments are compared."""


def captioning(params: ParamsOption = PARAMS, results: ResultsOption = RESULTS) -> None:
    """Put all vision-language models together: results, settings, trajectories, captions, words, speed."""
    layout = open_layout(params, results)
    captioning_params(layout)
    folder, trainings = layout.captioning, captioning_runs(layout.study)
    sizes = dict.fromkeys((run, pairs) for run, pairs, _ in trainings)
    seed = captioning_params(layout).seeds[0]
    measured = pd.concat([_read(layout, of, "results.csv", "appraise") for of in trainings])
    write_csv(folder / "results.csv", measured)
    write_csv(folder / "runs.csv", pd.DataFrame([run_row(layout, (*size, seed)) for size in sizes]))
    histories = [_of(trajectory(_read(layout, of, HISTORY, "connect")), of) for of in trainings]
    write_csv(folder / "trajectories.csv", pd.concat(histories))
    write_csv(folder / "captions.csv", pd.concat([_of(_captions(layout, of), of) for of in trainings]))
    words = [_of(_read(layout, of, "words.csv", "appraise"), of) for of in trainings]
    write_csv(folder / "words.csv", pd.concat(words))
    write_csv(folder / "speed.csv", pd.concat([_of(_speed(layout, of), of) for of in trainings]))
    write_json(folder / "metrics.json", headline_metrics(measured))


def run_row(layout: Layout, training: Trained) -> dict[str, Any]:
    """Returns the settings of a run, empty where its kind does not have them, and what one of its trainings took.

    Raises:
        DataError: when the training has not ended, naming what to run.
    """
    run, pairs, _ = training
    recipe = captioning_recipe(layout.study, run)
    connector = captioning_params(layout).runs[run].connector
    card = read_sealed(_found(layout, training, CARD, "connect"))
    facts = card["facts"]
    return {
        "run": run,
        "recipe": captioning_params(layout).runs[run].recipe,
        "kind": connector.kind,
        **{key: setting(connector, key) for key in SETTINGS},
        "language": recipe.language,
        "vision": recipe.vision,
        "assembly": recipe.assembly,
        "pairs": name_of_pairs(pairs),
        "parameters": facts["parameters"],
        "connector_parameters": facts["connector_parameters"],
        "visual_tokens": ConnectorConfig.from_dict(card["config"]["connector"]).output_tokens,
        "steps": facts["steps"],
        "flops": facts["flops"],
        **{key: setting(connector, key) for key in ConnectorParams.model_fields if key not in (*COMMON, *SETTINGS)},
    }


def setting(connector: ConnectorParams, key: str) -> Any:
    """Returns a setting of a connector; empty where its kind does not have it."""
    return getattr(connector, key) if key in OF_KIND[connector.kind] else ""


def trajectory(history: pd.DataFrame) -> pd.DataFrame:
    """Returns what changes from epoch to epoch in the history of one training.

    Args:
        history: one row a step, all values as text; ``validation_loss`` is empty where it was not measured.

    Returns:
        ``stage``, ``epoch``, ``step`` (its last), ``metric`` and ``value``: of all epochs ``train_loss``, their mean,
        and ``validation_loss`` where it was measured.
    """
    values = history.replace("", "nan")
    columns = ["stage", "epoch", "step", "train_loss", VALIDATION]
    values = values[columns].astype(float).astype({"stage": int, "epoch": int, "step": int})
    epochs = values.groupby(["stage", "epoch"])
    table = epochs[["step"]].last()
    table["train_loss"] = epochs["train_loss"].mean()
    table[VALIDATION] = epochs[VALIDATION].last()
    rows = table.reset_index().melt(["stage", "epoch", "step"], var_name="metric").dropna(subset="value")
    return rows.sort_values(["stage", "epoch"], kind="stable")


def headline_metrics(results: pd.DataFrame) -> dict[str, float]:
    """Returns the numbers to look at first as ``run/pairs=.../data set/metric``, means over seeds.

    Args:
        results: rows of all runs as text.
    """
    found: dict[str, list[float]] = {}
    for row in results[~results["model"].isin(list(CONTROLS)) & (results["task"] == TASK)].itertuples():
        if row.metric in HEADLINES and ";" not in row.variant:
            found.setdefault(f"{row.model}/{row.variant}/{row.dataset}/{row.metric}", []).append(float(row.value))
    return {name: sum(values) / len(values) for name, values in found.items()}


def _captions(layout: Layout, training: Trained) -> pd.DataFrame:
    path = _found(layout, training, "captions.jsonl", "appraise")
    with reading(path):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        table = pd.DataFrame(rows, columns=["dataset", "id", "path", "caption", "references", "cider"])
        return table.assign(references=table["references"].map(json.dumps)).rename(columns={"id": "image_id"})


def _speed(layout: Layout, training: Trained) -> pd.DataFrame:
    return pd.DataFrame([read_json(_found(layout, training, "speed.json", "appraise"))])


def _of(table: pd.DataFrame, training: Trained) -> pd.DataFrame:
    """Returns a table with the columns ``run``, ``pairs`` and ``seed`` before its own."""
    run, pairs, seed = training
    names = pd.DataFrame({"run": run, "pairs": name_of_pairs(pairs), "seed": seed}, index=table.index)
    return pd.concat([names, table], axis=1)


def _read(layout: Layout, training: Trained, name: str, verb: str) -> pd.DataFrame:
    """Reads a table of one training as it was written, every value as text.

    Raises:
        DataError: when the file is missing, naming what to run.
    """
    path = _found(layout, training, name, verb)
    with reading(path):
        return pd.read_csv(path, dtype=str, keep_default_na=False)


def _found(layout: Layout, training: Trained, name: str, verb: str) -> Path:
    run, pairs, seed = training
    path = layout.captioned(*training) / name
    if not path.is_file():
        command = f"ligature {verb} {run} --pairs {name_of_pairs(pairs)} --seed {seed}"
        raise DataError(f"{path}: missing; run `{command}` first")
    return path
