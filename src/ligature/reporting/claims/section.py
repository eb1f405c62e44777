"""The ledger of claims on the page."""

import pandas as pd

from ligature.reporting.claims.ledger import FAILS, HOLDS, UNTESTED
from ligature.reporting.section import Section
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, plural

TEXT = (
    "Published claims, each with the measurement of this study that tests it. A claim holds if the whole 95 % interval "
    "of its effect lies above zero; at this scale it may fail, or hold, for other reasons than at the published one. A "
    "check of our own is named as one."
)

COUNTED = {HOLDS: "found to hold", FAILS: "not found to hold", UNTESTED: "not tested"}


def claims_section(claims: pd.DataFrame) -> Section:
    """Returns the part of the page on claims, from the table of ``claims_table``."""
    counts = claims["status"].value_counts()
    summary = ", ".join(f"{counts.get(status, 0)} {words}" for status, words in COUNTED.items())
    text = [TEXT, f"Here, of {plural(len(claims), 'claim')}: {summary}."]
    return Section("claims", "Published claims", text, tables=[_shown(claims)])


def _shown(claims: pd.DataFrame) -> Table:
    return Table(
        name="claims",
        caption="The ledger of claims; effects are differences of fractions, cosines, distances or CIDEr-D x 100, or "
        "correlations.",
        data=claims,
        header=["claim", "published", "here", "measured", "effect", "95 % interval"],
        rows=[
            (
                row.claim,
                row.published,
                row.status,
                row.note if pd.isna(row.effect) else f"{row.measure} ({row.interval})",
                _signed(row.effect),
                NOTHING if pd.isna(row.effect) else f"{_signed(row.low)} to {_signed(row.high)}",
            )
            for row in claims.itertuples()
        ],
        text_columns=4,
        prose=frozenset({0, 1, 3}),
        muted=frozenset(row for row, status in enumerate(claims["status"]) if status == UNTESTED),
    )


def _signed(value: float) -> str:
    return NOTHING if pd.isna(value) else f"{value:+.3f}".replace("-", "−")
