"""Tables of the sweep: all runs, what every kind of features costs and reaches, and the losses."""

import pandas as pd

from ligature.params.train import SweepRun
from ligature.reporting.ablation import measure_name
from ligature.reporting.aggregate import CHANCE
from ligature.reporting.sweep_runs import MEASURE, Runs, blocks, loss_name, published_row, published_top1, twins
from ligature.reporting.table import Table
from ligature.reporting.text import DIRECTIONS_NOTE, NOTHING, bounded, listed, number, percent, plural, spread

Keys = list[tuple[str, ...]]
SIZES = ("B", "kB", "MB", "GB")


def run_table(measures: pd.DataFrame, runs: Runs) -> Table:
    """Returns a row a run, the published figure of the same blocks beside it, and the level of chance."""
    keys = keys_of(measures)
    names = list(dict.fromkeys([*(name for name in runs if name in set(measures["model"])), *measures["model"]]))
    published = published_top1()
    rows_of = {name: published_row(run) for name, run in runs.items()}
    theirs = {name: f"{published[row]:.2f}" for name, row in rows_of.items() if row}
    shown = [
        [
            *_run_cells(name, runs.get(name)),
            *values_of(measures, name, keys),
            theirs.get(name, NOTHING),
        ]
        for name in names
    ]
    chances = [CHANCE, NOTHING, NOTHING, NOTHING, *chance_cells(measures, keys), ""]
    data = measures.assign(published_top1=[published.get(rows_of.get(name) or "") for name in measures["model"]])
    return Table(
        name="sweep",
        caption="The same training with other projectors, features and losses: mean ± deviation over "
        f"{seeds_of(measures)}, in %. Blocks: patches / image CLS / text tokens / pooled text. {DIRECTIONS_NOTE} "
        "Features of named data sets: trained on these alone. The "
        "last column is published, not measured here (arXiv 2409.19425, T1: ImageNet top-1 after 6 million pairs): its "
        "figures are of another scale and not comparable with ours, at most their order is.",
        data=data,
        header=["run", "blocks", "features", "loss", *map(measure_name, keys), "published"],
        rows=[*shown, chances],
        text_columns=4,
        muted=frozenset([len(shown)]),
    )


def feature_table(measures: pd.DataFrame, runs: Runs, costs: pd.DataFrame) -> Table | None:
    """Returns what each kind of features costs beside what it reaches, for runs that differ in nothing else."""
    names = [name for group in twins(runs, "mode") for name in group if name in set(measures["model"])]
    if not names:
        return None
    keys, by_mode = keys_of(measures), costs.drop_duplicates("mode").set_index("mode")
    return Table(
        name="sweep-features",
        caption="What each kind of features costs in the store, and what it reaches: runs that differ in their "
        "features alone, mean ± deviation over seeds, in %. Vectors and GFLOP are those of encoding an image; in mode "
        "“images” that is done at every step, else once.",
        data=measures[measures["model"].isin(names)]
        .assign(mode=lambda rows: [runs[name].mode for name in rows["model"]])
        .merge(by_mode.reset_index(), on="mode", how="left"),
        header=[
            *("run", "features", "store, an image", "vectors", "store, a caption", "GFLOP"),
            *map(measure_name, keys),
        ],
        rows=[
            [bounded(name), runs[name].mode, *_cost_cells(by_mode, runs[name].mode), *values_of(measures, name, keys)]
            for name in names
        ],
        text_columns=2,
    )


def loss_table(measures: pd.DataFrame, runs: Runs) -> Table | None:
    """Returns what each loss reaches, for runs that differ in nothing else."""
    names = [name for group in twins(runs, "loss") for name in group if name in set(measures["model"])]
    if not names:
        return None
    keys = keys_of(measures)
    return Table(
        name="sweep-losses",
        caption="Losses: runs that differ in their loss alone, mean ± deviation over seeds, in %.",
        data=measures[measures["model"].isin(names)].assign(
            loss=lambda rows: [loss_name(runs[name].loss) for name in rows["model"]]
        ),
        header=["run", "loss", *map(measure_name, keys)],
        rows=[[bounded(name), loss_name(runs[name].loss), *values_of(measures, name, keys)] for name in names],
        text_columns=2,
    )


def keys_of(measures: pd.DataFrame) -> Keys:
    """Returns the measures in a table of the sweep, in order of first mention."""
    return list(measures[MEASURE].drop_duplicates().itertuples(index=False, name=None))


def _run_cells(name: str, run: SweepRun | None) -> list[str]:
    if run is None:
        return [bounded(name), NOTHING, NOTHING, NOTHING]
    data = f", of {listed(run.datasets)}" if run.datasets else ""
    others = [f", {name} {getattr(run, name)}" for name in run.changed if name != "datasets"]
    return [bounded(name), blocks(run), f"{run.mode}{data}", f"{loss_name(run.loss)}{''.join(others)}"]


def seeds_of(measures: pd.DataFrame) -> str:
    """Returns over how many seeds the runs were taken, as text."""
    fewest, most = int(measures["seeds"].min()), int(measures["seeds"].max())
    return plural(most, "seed") if fewest == most else f"{fewest} to {plural(most, 'seed')}"


def values_of(measures: pd.DataFrame, name: str, keys: Keys) -> list[str]:
    """Returns the shown values of a run, one a measure."""
    rows = measures[measures["model"] == name].set_index(MEASURE)
    return [_value(rows.loc[key], key[-1]) if key in rows.index else NOTHING for key in keys]


def _value(row: pd.Series, metric: str) -> str:
    return spread(metric, row["value"], row["sd"])


def chance_cells(measures: pd.DataFrame, keys: Keys) -> list[str]:
    """Returns the shown level of chance of every measure."""
    return [percent(measures.loc[(measures[MEASURE] == list(key)).all(axis=1), "chance"].mean()) for key in keys]


def _cost_cells(costs: pd.DataFrame, mode: str) -> list[str]:
    if mode not in costs.index:
        return [NOTHING] * 4
    row = costs.loc[mode]
    vectors, flops = row["image_vectors"], row["image_flops"]
    return [_size(row["image_bytes"]), number(vectors, 0), _size(row["caption_bytes"]), number(flops / 1e9)]


def _size(value: float) -> str:
    """Returns a number of bytes with three digits, in steps of 1,000."""
    if pd.isna(value):
        return NOTHING
    step = 0
    while value >= 1000 and step < len(SIZES) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.3g} {SIZES[step]}"
