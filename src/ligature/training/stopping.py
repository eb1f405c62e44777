"""A polite end: SIGTERM, which schedulers send before a time limit, lets the step in progress finish."""

import signal
import threading
from types import FrameType

EXIT_STATUS = 128 + signal.SIGTERM
"""Exit status of a training that SIGTERM ended."""


class StopRequest:
    """Whether SIGTERM has come while the ``with`` block runs; the handler before is put back after it.

    Signals reach the main thread only; in another thread nothing is ever requested. One inside another knows what was
    requested before it, and passes on what comes.

    Attributes:
        requested: whether the signal has come.
    """

    def __init__(self) -> None:
        """Nothing is requested yet."""
        self.requested = False
        self._before = None

    def __enter__(self) -> "StopRequest":
        """Starts to listen."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._note)
            self.requested = self._outer is not None and self._outer.requested
        return self

    def __exit__(self, *_: object) -> None:
        """Puts the handler back that was there before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    @property
    def _outer(self) -> "StopRequest | None":
        owner = getattr(self._before, "__self__", None)
        return owner if isinstance(owner, StopRequest) else None

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self._outer is not None:
            self._outer.requested = True
