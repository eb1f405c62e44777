"""Items made ahead in a background thread, and how long their user had to wait for them."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
_END = object()


class Prefetch(Generic[Item]):
    """The items of a generator in their order, up to ``ahead`` of them made before they are asked for.

    An exception of the generator is raised where its item would have come. The thread ends when the iteration is
    closed.

    Attributes:
        waited: seconds in which items were waited for, so far.
    """

    def __init__(self, items: Iterator[Item], ahead: int) -> None:
        """Takes the generator; ``ahead`` 0 makes every item when it is asked for."""
        self.waited = 0.0
        self._items, self._ahead = items, ahead

    def __iter__(self) -> Iterator[Item]:
        """Yields the items and measures the waiting."""
        with closing(self._from_thread() if self._ahead else self._items) as source:
            while True:
                start = time.perf_counter()
                item = next(source, _END)
                self.waited += time.perf_counter() - start
                if item is _END:
                    return
                yield item

    def _from_thread(self) -> Iterator[Item]:
        ready, free, stopped = SimpleQueue(), threading.Semaphore(self._ahead), threading.Event()

        def work() -> None:
            try:
                while free.acquire() and not stopped.is_set():
                    ready.put((next(self._items, _END), None))
            except BaseException as error:  # raised again in the thread that asks for the item
                ready.put((_END, error))

        thread = threading.Thread(target=work, name="prefetch", daemon=True)
        thread.start()
        try:
            while True:
                item, error = ready.get()
                if error is not None:
                    raise error
                if item is _END:
                    return
                free.release()
                yield item
        finally:
            stopped.set()
            free.release()
            thread.join()
