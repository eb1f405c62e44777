"""The accounting of dropped rows: how many came in, which went out for which reason, and a few to look at."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

SAMPLES = 5
SAMPLE_LENGTH = 160
KEPT = ""
"""The reason of rows that stay."""


@dataclass(frozen=True)
class Funnel:
    """One step that drops rows, over one source or several.

    Attributes:
        step: what was done, for example ``filter``.
        source: name of the source or of the set of rows.
        rows_in: rows before.
        dropped: rows dropped under every reason.
        samples: for every reason the few dropped rows with the smallest uids: ``uid``, ``caption``, ``url``.
    """

    step: str
    source: str
    rows_in: int
    dropped: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    @property
    def rows_out(self) -> int:
        """Rows after."""
        return self.rows_in - sum(self.dropped.values())

    def merge(self, other: "Funnel") -> "Funnel":
        """Returns the accounting of two parts of one step together; the order of parts does not matter."""
        reasons = sorted({*self.dropped, *other.dropped})
        dropped = {reason: self.dropped.get(reason, 0) + other.dropped.get(reason, 0) for reason in reasons}
        samples = {
            reason: sorted(
                [*self.samples.get(reason, []), *other.samples.get(reason, [])],
                key=lambda row: (row["uid"], row["caption"], row["url"]),
            )[:SAMPLES]
            for reason in reasons
        }
        return Funnel(self.step, self.source, self.rows_in + other.rows_in, dropped, samples)

    def as_dict(self) -> dict[str, Any]:
        """Returns plain values, for json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Funnel":
        """Builds a funnel from what ``as_dict`` returned."""
        return cls(**values)


def drop_rows(table: pd.DataFrame, reasons: np.ndarray, step: str, source: str) -> tuple[pd.DataFrame, Funnel]:
    """Drops rows and accounts for them.

    Args:
        table: rows with ``uid``, ``caption`` and ``url``.
        reasons: [n] strings: why a row is dropped, or ``KEPT``.
        step: name of the step.
        source: name of the source.

    Returns:
        The rows kept, in order, with a fresh index, and the accounting.
    """
    reasons = np.asarray(reasons, dtype=object)
    names = sorted(set(reasons) - {KEPT})
    dropped = {name: int((reasons == name).sum()) for name in names}
    samples = {name: _samples(table[reasons == name]) for name in names}
    kept = table[reasons == KEPT].reset_index(drop=True)
    return kept, Funnel(step, source, len(table), dropped, samples)


def _samples(rows: pd.DataFrame) -> list[dict[str, str]]:
    first = rows.sort_values(["uid", "caption", "url"], kind="stable", na_position="last").head(SAMPLES)
    return [
        {"uid": f"{uid:016x}", "caption": str(caption)[:SAMPLE_LENGTH], "url": str(url)[:SAMPLE_LENGTH]}
        for uid, caption, url in first[["uid", "caption", "url"]].itertuples(index=False)
    ]


def merge_funnels(funnels: Iterable[Funnel]) -> list[Funnel]:
    """Returns one funnel a step and source, in order of first appearance."""
    merged: dict[tuple[str, str], Funnel] = {}
    for funnel in funnels:
        key = (funnel.step, funnel.source)
        merged[key] = merged[key].merge(funnel) if key in merged else funnel
    return list(merged.values())


def funnel_table(funnels: Iterable[Funnel]) -> pd.DataFrame:
    """Returns one row a step, source and reason: ``step``, ``source``, ``reason``, ``rows``, ``rows_in``."""
    rows = [
        {"step": funnel.step, "source": funnel.source, "reason": reason, "rows": count, "rows_in": funnel.rows_in}
        for funnel in merge_funnels(funnels)
        for reason, count in [*sorted(funnel.dropped.items()), ("kept", funnel.rows_out)]
    ]
    return pd.DataFrame(rows, columns=["step", "source", "reason", "rows", "rows_in"])
