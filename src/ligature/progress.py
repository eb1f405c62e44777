"""Progress of long work: a bar with rate and ETA on a terminal, plain log lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class Progress:
    """Counts units of work and shows how far it is, at what rate, and when it will end.

    Args:
        what: what is being done, for example ``embed vit-supervised/val``.
        total: number of units, or None where it is not known.
        unit: name of a unit, plural, for example ``images``.
        done: units already done by an earlier run; they count as progress, not as rate.
        every: seconds between two plain lines.
        stream: where to write; standard error by default.
    """

    def __init__(
        self,
        what: str,
        total: int | None,
        unit: str = "items",
        *,
        done: int = 0,
        every: float = 5.0,
        stream: TextIO | None = None,
    ) -> None:
        """Starts the display; the class explains the arguments."""
        self.what, self.total, self.unit = what, total, unit
        self.done, self._started_at = done, done
        self.note = ""
        self._every = every
        self._stream = stream or sys.stderr
        self._start = self._last = time.monotonic()
        self._bar = None
        if self._stream.isatty():
            self._bar = tqdm(total=total, initial=done, desc=what, unit=f" {unit}", file=self._stream)

    def update(self, count: int = 1, note: str = "") -> None:
        """Adds ``count`` finished units; ``note`` (such as the loss) is shown beside them."""
        self.done += count
        self.note = note or self.note
        if self._bar is not None:
            self._bar.set_postfix_str(self.note, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            self._write(self.line())

    def line(self) -> str:
        """Returns the plain line: how far, rate, ETA."""
        seconds = time.monotonic() - self._start
        rate = (self.done - self._started_at) / max(seconds, 1e-9)
        parts = [f"{self.done:,}/{self.total:,} {self.unit}" if self.total else f"{self.done:,} {self.unit}"]
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2f}/s")
        if self.total and rate > 0:
            parts.append(f"ETA {duration(max(self.total - self.done, 0) / rate)}")
        if self.note:
            parts.append(self.note)
        return f"{self.what}: " + ", ".join(parts)

    def close(self) -> None:
        """Ends the display with a last line."""
        if self._bar is not None:
            self._bar.close()
        else:
            self._write(self.line())

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def __enter__(self) -> "Progress":
        """Returns itself, so that a ``with`` block closes the display."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the display."""
        self.close()


def duration(seconds: float) -> str:
    """Returns a time for people: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def track(items: Iterable[Item], what: str, *, total: int | None = None, unit: str = "items") -> Iterator[Item]:
    """Yields ``items`` while showing progress, one unit an item."""
    if total is None and hasattr(items, "__len__"):
        total = len(items)
    with Progress(what, total, unit) as progress:
        for item in items:
            yield item
            progress.update()


def say(message: str) -> None:
    """Writes one plain line for the user to standard error."""
    print(message, file=sys.stderr, flush=True)


def size_of(count: float) -> str:
    """Returns a number of bytes for people: ``12 B``, ``3.4 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
