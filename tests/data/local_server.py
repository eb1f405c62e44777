"""A threaded server on 127.0.0.1 for the length of a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def running(handler: type[BaseHTTPRequestHandler], name: str, state: type) -> Iterator[Any]:
    """Yields ``state(address)``, which every request finds as the attribute ``name`` of its handler."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    value = state(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("Bound", (handler,), {name: value})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield value
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
