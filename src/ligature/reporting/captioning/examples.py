"""Example captions: a photograph with its references, and what every run says of it."""

import pandas as pd

from ligature.reporting.captioning.runs import most_pairs, one_of_each_kind_first, pairs_label, single_runs
from ligature.reporting.captioning.sources import CaptioningInputs
from ligature.reporting.samples import CAPTION_LIMIT, SampleCard, Tile
from ligature.reporting.text import bounded, number, shortened
from ligature.reporting.thumbnails import thumbnail

MOST_IMAGES = 6
MOST_RUNS = 11
"""Captions of an image at most: two rows of tiles with the photograph."""
MOST_REFERENCES = 5
REFERENCE_LIMIT = 90
IMAGE = ["dataset", "image_id"]


def example_cards(inputs: CaptioningInputs) -> list[SampleCard]:
    """Returns a card an image that most runs captioned, the photograph first; all trained on the most pairs."""
    rows = shown_rows(inputs.captions, inputs.runs)
    runs = shown_runs(rows, inputs.runs, MOST_RUNS)
    rows = rows[rows["run"].isin(runs["run"])]
    return [_card(group, runs) for group in common_images(rows, MOST_IMAGES)]


def shown_rows(rows: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of trainings on the most pairs with the first seed that is there."""
    if rows.empty or runs.empty:
        return rows
    rows = rows[rows["pairs"] == most_pairs(runs)]
    return rows[rows["seed"] == rows["seed"].min()]


def shown_runs(rows: pd.DataFrame, runs: pd.DataFrame, most: int) -> pd.DataFrame:
    """Returns at most ``most`` single runs that have rows, one of each kind first."""
    runs = single_runs(runs)
    return one_of_each_kind_first(runs[runs["run"].isin(rows["run"])]).head(most)


def common_images(rows: pd.DataFrame, most: int) -> list[pd.DataFrame]:
    """Returns the rows of a few images, those first that most runs have, else in the order given."""
    if rows.empty:
        return []
    groups = [group for _, group in rows.groupby(IMAGE, sort=False)]
    return sorted(groups, key=lambda group: -group["run"].nunique())[:most]


def _card(rows: pd.DataFrame, runs: pd.DataFrame) -> SampleCard:
    first = rows.iloc[0]
    references = [f"“{bounded(text, REFERENCE_LIMIT)}”" for text in first["references"][:MOST_REFERENCES]]
    own = rows.drop_duplicates("run").set_index("run")
    shown = [(run, own.loc[run["run"]]) for _, run in runs.iterrows() if run["run"] in own.index]
    return SampleCard(
        title=f"{bounded(first['dataset'], 40)}, {bounded(first['image_id'], 40)}: {pairs_label(first['pairs'])}",
        query=Tile(is_image=True, uri=thumbnail(first["path"]), text="\n".join(references)),
        hits=[_caption(run, row) for run, row in shown],
    )


def _caption(run: pd.Series, row: pd.Series) -> Tile:
    score = f", CIDEr-D {number(100 * row['cider'], 0)}" if pd.notna(row["cider"]) else ""
    return Tile(
        is_image=False,
        text=bounded(row["caption"], CAPTION_LIMIT) or "(no words)",
        score=shortened(run["label"], 40) + score,
    )
