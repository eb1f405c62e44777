"""Tables of results: ours with chance beside them, and the published ones, kept apart."""

from functools import cache
from importlib.resources import files

import pandas as pd

from ligature.reporting.aggregate import CHANCE, main_rows, over_seeds, task_rows
from ligature.reporting.table import Table
from ligature.reporting.text import DIRECTIONS_NOTE, NOTHING, bounded, metric_header, slug, spread

ROW_KEYS = ["dataset", "split", "protocol", "model"]
PROMPT_KEYS = ["dataset", "variant", "protocol", "model"]
ROWS_ARE = {"T1": "blocks", "T2": "training data"}
"""What stands in the first column of a published table, where it is no model."""
PUBLISHED_TITLES = {
    "T1": "Projector ablation on 6 million pairs, blocks of patches / image CLS / text tokens / pooled text",
    "T2": "Training data ablation, in %",
    "T3": "Zero-shot classification, top-1 in %",
    "T4": "Retrieval, R@1 in %",
    "T5": "Zero-shot segmentation, IoU of the classes present, in %",
    "T6": "Multilingual classification and retrieval, in %",
    "T7": "Cost of training",
}


def result_tables(results: pd.DataFrame) -> list[Table]:
    """Returns one table a task: a row a data set and model, chance under the model, a column a metric."""
    table = over_seeds(main_rows(results))
    return [_task_table(task, rows) for task, rows in table.groupby("task", sort=False)]


def _task_table(task: str, rows: pd.DataFrame) -> Table:
    caption = f"{bounded(task).capitalize()}, measured here, fractions in %."
    return measured_table(f"results-{slug(task)}", caption, rows, ROW_KEYS, ["data set", "split", "protocol", "model"])


def prompt_tables(results: pd.DataFrame) -> list[Table]:
    """Returns one table of classification by prompt set, of the data sets that have several; none without."""
    table = over_seeds(task_rows(results, "classification"))
    several = table.loc[table["variant"] != "", "dataset"].unique()
    rows = table[table["dataset"].isin(several) & ((table["model"] != CHANCE) | (table["variant"] == ""))]
    if rows.empty:
        return []
    caption = "Classification by prompt set; “main” are the templates of the table above. Fractions in %."
    names = ["data set", "prompt set", "protocol", "model"]
    shown = rows.assign(variant=rows["variant"].replace("", "main"))
    return [measured_table("results-prompt-sets", caption, shown, PROMPT_KEYS, names)]


def measured_table(name: str, caption: str, rows: pd.DataFrame, keys: list[str], names: list[str]) -> Table:
    """Returns a row a key, in the order they come in but for chance, which is last of a data set; a column a metric.

    Args:
        name: stem of the table's files.
        caption: its first sentences.
        rows: rows of ``over_seeds``.
        keys: columns that tell the rows of the table apart, ``dataset`` first and ``model`` last.
        names: shown names of ``keys``.
    """
    metrics = list(dict.fromkeys(rows["metric"]))
    groups = rows.groupby(keys, sort=False)
    datasets = list(dict.fromkeys(rows["dataset"]))
    order = sorted(
        rows[keys].drop_duplicates().itertuples(index=False, name=None),
        key=lambda key: (datasets.index(key[0]), key[-1] == CHANCE),
    )
    notes = [caption]
    notes += ["Mean ± deviation over seeds."] if rows["seeds"].max() > 1 else []
    notes += [DIRECTIONS_NOTE] if any("→" in metric_header(metric) for metric in metrics) else []
    return Table(
        name=name,
        caption=" ".join(notes),
        data=rows,
        header=[*names, "n", *map(metric_header, metrics)],
        rows=[_cells(key, groups.get_group(key), metrics) for key in order],
        text_columns=len(keys),
        muted=frozenset(index for index, key in enumerate(order) if key[-1] == CHANCE),
    )


def _cells(key: tuple[str, ...], rows: pd.DataFrame, metrics: list[str]) -> list[str]:
    by_metric = rows.set_index("metric").reindex(metrics)
    cells = [spread(row.Index, row.value, row.sd) for row in by_metric.itertuples()]
    sizes = " / ".join(str(n) for n in dict.fromkeys(rows["n"]))
    return [*map(bounded, key), sizes, *cells]


@cache
def published_figures() -> pd.DataFrame:
    """Returns the published figures of freeze-align: table, row, dataset, metric, value, source."""
    folder = files("ligature.reporting").joinpath("published")
    tables = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        with entry.open(encoding="utf-8") as file:
            tables.append(pd.read_csv(file))
    return pd.concat(tables, ignore_index=True)


def published_tables() -> dict[str, Table]:
    """Returns the published tables by their number, one row a model or setting, digits as printed."""
    return {
        name: _published_table(name, rows.drop_duplicates())
        for name, rows in published_figures().groupby("table", sort=False)
    }


def _published_table(name: str, rows: pd.DataFrame) -> Table:
    shown = {}
    for (dataset, metric), column in rows.groupby(["dataset", "metric"], sort=False):
        digits = max(len(f"{value:.10g}".partition(".")[2]) for value in column["value"])
        printed = {row.row: f"{row.value:,.{digits}f}" for row in column.itertuples()}
        plain = name == "T3" and metric == "top1"
        shown[dataset if plain else f"{dataset}, {metric_header(metric)}"] = printed
    labels = list(dict.fromkeys(rows["row"]))
    return Table(
        name=f"published-{name}",
        caption=f"{PUBLISHED_TITLES[name]}. Published, not measured here: {rows['source'].iloc[0]}.",
        data=rows,
        header=[ROWS_ARE.get(name, "model"), *shown],
        rows=[[label, *(printed.get(label, NOTHING) for printed in shown.values())] for label in labels],
        muted=frozenset(range(len(labels))),
    )
