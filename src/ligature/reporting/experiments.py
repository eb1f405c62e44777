"""What experiments are compared by: a few numbers, and the rows of two bar charts, in files that DVC reads."""

from pathlib import Path

import pandas as pd

from ligature.reporting.ablation import measure_name
from ligature.reporting.aggregate import main_rows, task_rows, with_chance
from ligature.reporting.captioning.comparisons import CIDER, values_of
from ligature.reporting.captioning.runs import pairs_label
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.outcome_readings import headlines_of, is_headline
from ligature.reporting.pretraining.runs import by_seed
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.sources import ReportInputs
from ligature.reporting.sweep_grid import point_label
from ligature.reporting.sweep_runs import MEASURE
from ligature.reporting.text import metric_label
from ligature.reporting.training_figures import recall_columns
from ligature.store.atomic import write_csv, write_json

GAP = "relative_modality_gap"
CENTROIDS = ("centroid_gap",)
GAP_COLUMNS = ["run", "centroid_gap", "deviation"]
NO_PRETRAINING = ("no pre-training", 0.0, 0.0)
"""The one row of a study without pre-training."""
CIDER_COLUMNS = ["run", "cider", "deviation"]
NO_CAPTIONING = ("no captioning", 0.0, 0.0)
"""The one row of a study without captioning."""
MASKS = ("iou", "miou")
RUN_COLUMNS = ["run", "percent", "deviation", "measure"]
NO_RUNS = ("no sweep, no ablation", 0.0, 0.0, "")
"""The one row of a study without runs: DVC takes an empty table for a broken one."""


def write_comparisons(inputs: ReportInputs, folder: Path) -> None:
    """Writes ``metrics.json`` and in ``plots/`` ``results``, ``runs``, ``gap``, ``captions`` and ``validation.csv``."""
    metrics = headline_metrics(inputs)
    write_json(folder / "metrics.json", metrics)
    bars = pd.DataFrame({"measure": list(metrics), "percent": [100 * value for value in metrics.values()]})
    write_csv(folder / "plots/results.csv", bars)
    write_csv(folder / "plots/runs.csv", run_bars(inputs))
    write_csv(folder / "plots/gap.csv", gap_bars(inputs.pretraining))
    write_csv(folder / "plots/captions.csv", caption_bars(inputs.captioning))
    write_csv(folder / "plots/validation.csv", validation_curves(inputs.history))


def validation_curves(history: pd.DataFrame) -> pd.DataFrame:
    """Returns R@1 in both directions at the steps at which it was measured; between them DVC would draw zeros."""
    columns = [column for column in recall_columns(history) if is_headline(column)]
    rows = history[["step", *columns]].dropna()
    return rows.rename(columns={column: metric_label(column) for column in columns})


def headline_metrics(inputs: ReportInputs) -> dict[str, float]:
    """Returns the numbers to look at first, by a name such as ``labels-val/top1``, as fractions.

    Top-1 of every classification, R@1 both ways and the modality gap of every retrieval, IoU of every segmentation,
    the similarity of the chosen pair, and the means of every mix of the ablation; what a study has not is left out.
    """
    pair = f"{inputs.chosen['vision']} + {inputs.chosen['text']}"
    own = inputs.results[inputs.results["model"] == pair]
    gaps, masks = task_rows(own, "gap"), inputs.segmentation[inputs.segmentation["model"] == pair]
    rows = [headlines_of(main_rows(own)), gaps[gaps["metric"] == GAP], masks[masks["metric"].isin(MASKS)]]
    found = {f"{row.dataset}/{row.metric}": float(row.value) for row in pd.concat(rows).itertuples()}
    return found | {"pair/cka_debiased": _similarity(inputs)} | _means_of_mixes(inputs.curation.ablation)


def _similarity(inputs: ReportInputs) -> float:
    pairs, chosen = inputs.pairs, inputs.chosen
    own = pairs[(pairs["vision"] == chosen["vision"]) & (pairs["text"] == chosen["text"])]
    return float(own["cka_debiased"].mean())


def _means_of_mixes(results: pd.DataFrame) -> dict[str, float]:
    """Returns top-1 and R@1 of every mix, each the mean over data sets, directions and seeds."""
    if results.empty:
        return {}
    rows = headlines_of(with_chance(results))
    names = ["top1" if metric == "top1" else "recall@1" for metric in rows["metric"]]
    means = rows.assign(metric=names).groupby(["model", "metric"], sort=False)["value"].mean()
    return {f"ablation/{mix}/{metric}": float(value) for (mix, metric), value in means.items()}


def run_bars(inputs: ReportInputs) -> pd.DataFrame:
    """Returns a row a run of the sweep and a mix of the ablation: its first headline measure over seeds, in percent."""
    tables = [table for table in (inputs.sweep, inputs.curation.ablation) if not table.empty]
    rows = [_first_measure(headlines_of(with_chance(main_rows(table)))) for table in tables]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame([NO_RUNS], columns=RUN_COLUMNS)


def gap_bars(inputs: PretrainingInputs) -> pd.DataFrame:
    """Returns a row a run of pre-training: its centroid gap at the end, the mean over data sets and seeds."""
    gaps = by_seed(inputs.results, "gap", CENTROIDS)
    measured = inputs.runs[inputs.runs["run"].isin(gaps.columns)]
    rows = [(run["label"], gaps[run["run"]].mean(), gaps[run["run"]].std()) for _, run in measured.iterrows()]
    return pd.DataFrame(rows or [NO_PRETRAINING], columns=GAP_COLUMNS)


def caption_bars(inputs: CaptioningInputs) -> pd.DataFrame:
    """Returns a row a run and number of pairs: its CIDEr-D times 100, the mean over data sets and seeds."""
    rows = []
    for _, run in inputs.runs.iterrows():
        values = values_of(inputs.results, CIDER, run["run"], run["pairs"])
        if len(values):
            rows.append((f"{run['label']}, {pairs_label(run['pairs'])}", values.mean(), values.std()))
    return pd.DataFrame(rows or [NO_CAPTIONING], columns=CIDER_COLUMNS)


def _label(name: str) -> str:
    """Returns the name of a run without the blocks of its keys: DVC's pictures cut long labels."""
    return point_label(name).replace("projector.", "").replace("loss.", "")


def _first_measure(rows: pd.DataFrame) -> pd.DataFrame:
    key = tuple(rows[MEASURE].iloc[0])
    own = rows[(rows[MEASURE] == list(key)).all(axis=1)]
    table = own.assign(
        run=own["model"].map(_label),
        percent=100 * own["value"],
        deviation=100 * own["sd"],
        measure=measure_name(key),
    )
    return table[RUN_COLUMNS]
