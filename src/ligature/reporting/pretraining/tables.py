"""Tables of pre-training: the gap of every run, and what it can do."""

import pandas as pd

from ligature.reporting.aggregate import CHANCE, over_seeds
from ligature.reporting.pretraining.runs import APART, LEARNED, by_seed
from ligature.reporting.pretraining.sources import PretrainingInputs
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, metric_header, number, percent, plural

PANEL = {
    "alignment_score": "alignment score",
    "unpaired_score": "unpaired score",
    "paired_margin": "paired margin",
    "centroid_gap": "centroid gap",
    "relative_modality_gap": "relative modality gap",
    "linear_separability": "linear separability",
    "image_uniformity": "uniformity, images",
    "text_uniformity": "uniformity, texts",
}
"""Measures of the gap and their columns."""
TASKS = ("retrieval", "classification", "linear probe")
SHOWN = {"i2t_recall@1", "t2i_recall@1", "top1"}
SETTING_COLUMNS = ["run", "shared", "pushed apart", "re-scaling", "logit scale"]
OVER_SEEDS = " Mean ± deviation over seeds."


def gap_table(inputs: PretrainingInputs) -> Table:
    """Returns a row a run: its settings, its parameters and the panel of the gap, means over data sets."""
    rows = inputs.results[inputs.results["task"] == "gap"]
    values = {metric: by_seed(rows, "gap", (metric,)) for metric in PANEL if (rows["metric"] == metric).any()}
    datasets = rows["dataset"].nunique()
    over = f", the mean over {plural(datasets, 'data set')}" if datasets > 1 else ""
    return Table(
        name="pretraining-gap",
        caption=f"The modality gap of every run{over}. A low gap is worth nothing without a margin: read the alignment "
        "score against the unpaired one." + OVER_SEEDS * _several_seeds(rows),
        data=over_seeds(rows),
        header=[*SETTING_COLUMNS, "parameters", *(PANEL[metric] for metric in values)],
        rows=[
            [
                *_settings(run, inputs),
                _count(run["parameters"]),
                *(_cell(table, run["run"]) for table in values.values()),
            ]
            for _, run in inputs.runs.iterrows()
        ],
        text_columns=len(SETTING_COLUMNS),
    )


def task_table(inputs: PretrainingInputs) -> Table | None:
    """Returns a row a run: R@1 both ways, zero-shot top-1 and linear probe by data set, chance last; None without."""
    rows = inputs.results
    rows = rows[rows["task"].isin(TASKS) & rows["metric"].isin(SHOWN) & (rows["variant"] == "")]
    order = {task: place for place, task in enumerate(TASKS)}
    columns = sorted(
        rows[["task", "dataset", "metric"]].drop_duplicates().itertuples(index=False, name=None),
        key=lambda column: order[column[0]],
    )
    if not columns:
        return None
    values = [by_seed(rows, task, (metric,), dataset) for task, dataset, metric in columns]
    shown = [
        [*_settings(run, inputs), *(_cell(table, run["run"], share=True) for table in values)]
        for _, run in inputs.runs.iterrows()
    ]
    chance = rows[rows["model"] == CHANCE].groupby(["task", "dataset", "metric"])["value"].mean()
    last = [
        CHANCE,
        *[""] * (len(SETTING_COLUMNS) - 1),
        *(percent(chance.get(column, float("nan"))) for column in columns),
    ]
    return Table(
        name="pretraining-tasks",
        caption="What every run can do: retrieval, zero-shot classification and a linear probe of its image features, "
        "in %." + OVER_SEEDS * _several_seeds(rows),
        data=over_seeds(rows),
        header=[*SETTING_COLUMNS, *(_header(*column) for column in columns)],
        rows=[*shown, last],
        text_columns=len(SETTING_COLUMNS),
        muted=frozenset([len(shown)]),
    )


def _header(task: str, dataset: str, metric: str) -> str:
    kind = {"classification": "zero-shot ", "linear probe": "linear probe "}.get(task, "")
    return f"{bounded(dataset, 30)}, {kind}{metric_header(metric)}"


def _settings(run: pd.Series, inputs: PretrainingInputs) -> list[str]:
    shared = {"none": "nothing", "all": "all"}.get(run["sharing"], bounded(run["sharing"].replace("-", ", "), 40))
    apart = APART.get(run["separation"], NOTHING)
    return [run["variant"], shared, apart, run["rescaling"] or NOTHING, scale_cell(run, inputs.trajectories)]


def scale_cell(run: pd.Series, trajectories: pd.DataFrame) -> str:
    """Returns the logit scale at the end of a run with how it was had, for example ``21.8 ± 0.4 (learned)``."""
    if run["logit_scale"] not in LEARNED:
        return f"{run['logit_scale']} (fixed)"
    ends = final_scales(run["run"], trajectories)
    return f"{_spread(ends, digits=1)} ({run['logit_scale']})"


def final_scales(run: str, trajectories: pd.DataFrame) -> pd.Series:
    """Returns the logit scale of a run at its last measured epoch, by seed."""
    rows = trajectories[(trajectories["run"] == run) & (trajectories["metric"] == "logit_scale")]
    return rows.sort_values("step", kind="stable").groupby("seed")["value"].last().dropna()


def _cell(values: pd.DataFrame, run: str, share: bool = False) -> str:
    column = values[run].dropna() if run in values else pd.Series(dtype=float)
    return _spread(100 * column, digits=1) if share else _spread(column, digits=3)


def _spread(values: pd.Series, digits: int) -> str:
    """Returns the mean of values with their deviation, where there are several."""
    if values.empty:
        return NOTHING
    return number(values.mean(), digits) + (f" ± {number(values.std(), digits)}" if len(values) > 1 else "")


def _count(value: float) -> str:
    if pd.isna(value):
        return NOTHING
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"


def _several_seeds(rows: pd.DataFrame) -> bool:
    return rows.loc[rows["model"] != CHANCE, "seed"].nunique() > 1
