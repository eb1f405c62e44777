"""Rows of captions that do not tell images apart: the level that captions must be above to be of their images."""

import pandas as pd

from ligature.params.captioning import BLIND, SHUFFLED

CONTROLS = {
    SHUFFLED: "captions held against the references of other images",
    BLIND: "the one caption that a model makes of the mean of all images' features",
}
"""Models of these rows, and what they are."""
NAMED = r"^captions of ([^,]+), "
"""How their protocol names the run that made the captions; no name of a run has a comma."""


def runs_of(results: pd.DataFrame) -> pd.Series:
    """Returns the run of every row: its model, or the run that the protocol of a control names; empty if it has none.

    Args:
        results: rows with ``model`` and ``protocol``.
    """
    named = results["protocol"].astype(str).str.extract(NAMED, expand=False).fillna("")
    return results["model"].where(~results["model"].isin(list(CONTROLS)), named)


def control_rows(results: pd.DataFrame, control: str) -> pd.DataFrame:
    """Returns the rows of a control with the run that made the captions as their model.

    Args:
        results: rows of ``CaptioningInputs.results``.
        control: of ``CONTROLS``.
    """
    rows = results[results["model"] == control]
    return rows.assign(model=runs_of(rows))
