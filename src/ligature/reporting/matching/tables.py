"""Tables of matching: methods by metric, by language, and by what was done to anchors and features."""

import pandas as pd

from ligature.reporting.aggregate import CHANCE
from ligature.reporting.languages import NAMES
from ligature.reporting.matching.rows import (
    ACCURACY,
    AXES,
    SHARES,
    at_reference,
    axis_value,
    described,
    interval_cell,
    method_label,
    method_rank,
    setting_label,
    varying,
)
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, metric_label, percent, plural, slug

CORRECTED = "top1+csls"
"""The column of top-1 after the correction of hubs, which changes no matching accuracy."""
MOST_ROWS = 60
"""Rows of a shown table; what is more lies beside the page."""
FIXED_FIRST = ("base_size", "selection", "stretch", "text", "vision", "captions", "base_language", "direction")
"""Axes that a long table is cut to one value of, in this order."""
INTERVALS = "In %, with 95\u00a0% intervals over draws in brackets."
NOTES = {
    "transductive": "Stretch by both pools looks at all queries before it matches any (transductive).",
    "csls": "CSLS looks at all queries and the whole gallery at once (transductive).",
    "averaged": "Averaged captions: the mean of all captions of an image, which is easier than one of them.",
}
CLASSES = "The gallery is the class names in sentences."


def experiment_tables(rows: pd.DataFrame) -> list[Table]:
    """Returns a table an experiment without languages: a row a method and setting, a column a metric.

    Args:
        rows: rows of ``share_rows``.
    """
    plain = rows[rows["variant"] == ""]
    return [_metric_table(name, group) for name, group in plain.groupby("experiment", sort=False)]


def _metric_table(name: str, rows: pd.DataFrame) -> Table:
    metrics = {metric: metric_label(metric) for metric in SHARES if (rows["metric"] == metric).any()}
    corrected = (rows["post"] == "csls") & (rows["metric"] == "top1")
    if corrected.any():
        metrics[CORRECTED] = f"{metric_label('top1')} + CSLS"
    columns = pd.concat([rows[rows["post"] == ""], rows[corrected].assign(metric=CORRECTED, post="")])
    shown = cut(columns)
    caption = _caption(name, rows, shown) + ("" if ACCURACY in metrics else f" {CLASSES}")
    return _crossed(f"matching-results-{slug(name)}", caption, rows, shown, "metric", metrics)


def language_tables(rows: pd.DataFrame) -> list[Table]:
    """Returns a table an experiment with languages and metric: a row a method and setting, a column a language.

    Args:
        rows: rows of ``share_rows``.
    """
    found = rows[(rows["variant"] != "") & rows["metric"].isin((ACCURACY, "top1"))]
    return [_language_table(*key, group) for key, group in found.groupby(["experiment", "metric"], sort=False)]


def _language_table(name: str, metric: str, rows: pd.DataFrame) -> Table:
    languages = {code: NAMES.get(code, bounded(code, 20)) for code in dict.fromkeys(rows["variant"])}
    shown = cut(rows, without=("variant",))
    caption = f"{bounded(metric_label(metric)).capitalize()} by language. {_caption(name, rows, shown, ('variant',))}"
    return _crossed(f"matching-languages-{slug(name)}-{metric}", caption, rows, shown, "variant", languages)


def settings_table(rows: pd.DataFrame) -> Table | None:
    """Returns matching accuracy by what was done to anchors and features, a row a method; None with one setting.

    Args:
        rows: rows of ``share_rows``, of any experiments.
    """
    found = setting_rows(rows)
    if found.empty:
        return None
    shown = cut(found, without=("selection", "stretch"))
    caption = f"Matching accuracy by setting. {_caption('', found, shown, ('selection', 'stretch'))}"
    columns = {label: label for label in setting_order(found)}
    return _crossed("matching-settings", caption, found, shown, "setting", columns)


def setting_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns plain matching accuracies of the experiments that have several settings, with ``setting``."""
    found = rows[(rows["metric"] == ACCURACY) & (rows["post"] == "") & (rows["variant"] == "")]
    found = found.assign(
        setting=[setting_label(*pair) for pair in zip(found["selection"], found["stretch"], strict=True)]
    )
    several = found.groupby("experiment")["setting"].transform("nunique") > 1
    return found[several.astype(bool)]


def setting_order(rows: pd.DataFrame) -> list[str]:
    """Returns the settings from nothing done to everything done."""
    return sorted(dict.fromkeys(rows["setting"]), key=lambda label: (label != "none", label.count(" + ")))


def cut(rows: pd.DataFrame, without: tuple[str, ...] = ()) -> pd.DataFrame:
    """Returns rows for a table of ``MOST_ROWS`` at most, if need be at one value of some axes.

    Args:
        rows: rows of ``share_rows``.
        without: axes that are columns of the table.
    """
    for axis in FIXED_FIRST:
        if len(_keys(rows, without)) <= MOST_ROWS:
            break
        rows = rows if axis in without else at_reference(rows, [axis])
    return rows


def _keys(rows: pd.DataFrame, without: tuple[str, ...]) -> list[tuple]:
    """Returns the rows of a table: values of the axes that vary, method, what was done to its scores."""
    axes = [axis for axis in varying(rows) if axis not in without]
    places = {axis: list(dict.fromkeys(rows[axis])) for axis in axes}
    keys = rows[[*axes, "model", "post"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(
        keys,
        key=lambda key: (
            *(places[axis].index(value) for axis, value in zip(axes, key, strict=False)),
            method_rank(key[-2]),
            key[-2:],
        ),
    )


def _crossed(
    name: str, caption: str, data: pd.DataFrame, rows: pd.DataFrame, column: str, columns: dict[str, str]
) -> Table:
    """Returns a table of shares with a row a method and setting, the values of ``column`` across, chance last."""
    without = ("selection", "stretch") if column == "setting" else (column,)
    axes = [axis for axis in varying(rows) if axis not in without]
    keys = _keys(rows, without)
    cells = {tuple(row[key] for key in (*axes, "model", "post", column)): _cell(row) for _, row in rows.iterrows()}
    shown = [
        [
            *(axis_value(axis, value) for axis, value in zip(axes, key, strict=False)),
            method_label(*key[-2:]),
            *(cells.get((*key, value), NOTHING) for value in columns),
        ]
        for key in keys
    ]
    chances = [_chance(rows.loc[rows[column] == value, "chance"]) for value in columns]
    return Table(
        name=name,
        caption=caption,
        data=data,
        header=[*(AXES[axis] for axis in axes), "method", *columns.values()],
        rows=[*shown, [*[""] * len(axes), CHANCE, *chances]],
        text_columns=len(axes) + 1,
        muted=frozenset([len(shown)]),
    )


def _cell(row: pd.Series) -> str:
    return interval_cell(row["value"], row["low"], row["high"])


def _chance(values: pd.Series) -> str:
    """Returns the level of chance of a column, from the lowest to the highest where its rows differ in it."""
    return " to ".join(dict.fromkeys(percent(value) for value in (values.min(), values.max())))


def _caption(name: str, rows: pd.DataFrame, shown: pd.DataFrame, without: tuple[str, ...] = ()) -> str:
    setting = described(shown, without)
    parts = [f"{bounded(name)}: {setting}." if name else f"{setting[:1].upper()}{setting[1:]}." * bool(setting)]
    parts.append(INTERVALS)
    parts += [NOTES["csls"]] if ((shown["post"] == "csls") | (shown["metric"] == CORRECTED)).any() else []
    parts += [NOTES["transductive"]] if (shown["stretch"] == "transductive").any() else []
    parts += [NOTES["averaged"]] if shown["captions"].nunique() > 1 else []
    left = len(rows) - len(shown)
    parts += [f"{plural(left, 'further value')} in the file beside the page."] if left else []
    return " ".join(parts)
