"""Which entries of the cache go: those unused for long, and the oldest of those that are too many."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ligature.store.cache_entry import Entry

LEFT_OVER_SECONDS = 24 * 3600.0
"""Age at which what is half-written counts as left by a killed job."""


def to_remove(
    entries: Iterable[Entry],
    *,
    unused_days: float | None = None,
    max_bytes: int | None = None,
    force: bool = False,
    now: datetime | None = None,
) -> list[Entry]:
    """Returns the entries to remove, those unused for the longest time first.

    Args:
        entries: of the cache.
        unused_days: those that nobody put or took for so many days go.
        max_bytes: then more go, until no more than this is left.
        force: also those that a study's store still stands for.
        now: the time; that of the clock by default.
    """
    entries = sorted(entries, key=lambda entry: (entry.last_used, entry.key))
    total = sum(entry.nbytes for entry in entries)
    oldest = (now or datetime.now(UTC)) - timedelta(days=unused_days or 0)
    gone = []
    for entry in entries:
        too_old = unused_days is not None and datetime.fromisoformat(entry.last_used) <= oldest
        too_many = max_bytes is not None and total > max_bytes
        if (too_old or too_many) and (force or not entry.in_use):
            gone.append(entry)
            total -= entry.nbytes
    return gone


def stale(leftovers: Iterable[Path], older_than: float = LEFT_OVER_SECONDS) -> list[Path]:
    """Returns the left-overs that nobody writes any more: untouched for so many seconds."""
    limit = time.time() - older_than
    return [path for path in leftovers if path.stat().st_mtime <= limit]
