"""A local HTTP proxy that answers the urls of a written web, with all their bad habits.

What a url does, by the word in ``routes.parquet``:

- ``ok``: the picture; ``mislabelled``: a PNG or WebP picture as ``image/jpeg``; ``robots``: the picture, with
  ``X-Robots-Tag: noai``
- ``error``: 503 at first, later the picture; ``redirect``: 302 to the target; ``loop``: 302 to itself
- ``missing`` 404, ``gone`` 410, ``forbidden`` 403; ``html``: 200 with a page instead of a picture; ``empty``: 200 with
  no byte; ``dead``: the connection closes without an answer
- ``truncated``: ends in the middle of the announced length; ``cut``: half a picture, announced as such
- ``oversized``: a picture followed by ``OVERSIZED`` zero bytes, of no announced length
- ``slow``: the picture after ``delay`` seconds; ``drip``: the picture in ``DRIPS`` pieces, each after ``delay`` seconds

All other urls get 502, as from a proxy that cannot find the host.
"""

import os
import socket
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from ligature.data.scenes.web.routes import IMAGES, Route, read_routes
from ligature.errors import DataError

OVERSIZED = 64 << 20
DRIPS = 20
UNKNOWN = "unknown"

_CHUNK = 1 << 16
_PAGE = b"<!DOCTYPE html><html><head><title>Sorry</title></head><body><p>This page has moved.</p></body></html>"
_STATUS = {"missing": 404, "gone": 410, "forbidden": 403, UNKNOWN: 502}


class WebServer:
    """Answers the urls of a web while the ``with`` block lasts, for clients that use ``address`` as HTTP proxy.

    Requests must name whole urls (``GET http://host/path.jpg``), as clients do that find ``address`` in the
    environment variable ``http_proxy``. No host name is ever resolved.

    Attributes:
        requests: number of requests by behaviour, ``unknown`` for urls without a route.
    """

    def __init__(self, folder: Path, *, delay: float = 3.0) -> None:
        """Takes the folder that ``write_web`` wrote, and the seconds that slow answers wait."""
        self._folder, self._delay = Path(folder), delay
        self.requests: Counter[str] = Counter()

    @property
    def address(self) -> str:
        """The proxy's address, ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "WebServer":
        """Starts to listen on a free port.

        Raises:
            DataError: the folder holds no web.
        """
        routes, path = read_routes(self._folder), self._folder / IMAGES
        try:
            self._bodies = path.open("rb")
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); render the world again") from error
        self._server = _Server(routes, self._bodies.fileno(), self.requests, self._delay)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hangs up on all clients and waits for every thread to end."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        self._bodies.close()


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 256

    def __init__(self, routes: dict[str, Route], bodies: int, requests: Counter[str], delay: float) -> None:
        self.delay, self.stopping = delay, threading.Event()
        self._routes, self._bodies, self._requests = routes, bodies, requests
        self._lock, self._failed, self._open = threading.Lock(), set(), set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def find(self, url: str) -> Route:
        """Returns the route of a url and counts the request."""
        route = self._routes.get(url, Route(url, UNKNOWN))
        with self._lock:
            self._requests[route.behaviour] += 1
        return route

    def body(self, route: Route) -> bytes:
        """Returns the picture of a route."""
        return os.pread(self._bodies, route.size, route.offset)

    def is_first_try(self, url: str) -> bool:
        """Whether a url that fails at first is asked for the first time."""
        with self._lock:
            first = url not in self._failed
            self._failed.add(url)
        return first

    def hang_up(self) -> None:
        """Ends all waiting and all connections."""
        self.stopping.set()
        with self._lock:
            for connection in self._open:
                _end(connection)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accepts a connection and remembers it."""
        connection, client = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, client

    def close_request(self, request: socket.socket) -> None:
        """Closes a connection and forgets it."""
        with self._lock:
            self._open.discard(request)
            super().close_request(request)

    def handle_error(self, request: socket.socket, client_address: object) -> None:
        """Says nothing of clients that hang up, and everything of other errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # the client may have been faster
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answers one url."""
        route = self.server.find(self.path)
        if route.behaviour in _STATUS:
            self._answer(_STATUS[route.behaviour], b"")
        else:
            _ANSWERS[route.behaviour](self, route)

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""

    def _answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        """Sends a whole answer whose announced length may differ from that of ``body``."""
        self._begin(status, **{"content_length": str(len(body) if length is None else length)} | headers)
        self.wfile.write(body)

    def _begin(self, status: int, content_type: str = "image/jpeg", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-").title(), value)
        self.end_headers()

    def _picture(self, route: Route) -> None:
        self._answer(200, self.server.body(route))

    def _robots(self, route: Route) -> None:
        self._answer(200, self.server.body(route), x_robots_tag="noai, noimageai")

    def _error(self, route: Route) -> None:
        if self.server.is_first_try(route.url):
            self._answer(503, b"")
        else:
            self._picture(route)

    def _redirect(self, route: Route) -> None:
        self._answer(302, b"", location=route.target)

    def _html(self, _: Route) -> None:
        self._answer(200, _PAGE, content_type="text/html; charset=utf-8")

    def _empty(self, _: Route) -> None:
        self._answer(200, b"")

    def _dead(self, _: Route) -> None:
        self.close_connection = True

    def _truncated(self, route: Route) -> None:
        body = self.server.body(route)
        self._answer(200, body[: len(body) // 2], length=len(body))

    def _cut(self, route: Route) -> None:
        self._answer(200, self.server.body(route)[: route.size // 2])

    def _oversized(self, route: Route) -> None:
        self._begin(200)
        self.wfile.write(self.server.body(route))
        for _ in range(OVERSIZED // _CHUNK):
            if self.server.stopping.is_set():
                return
            self.wfile.write(bytes(_CHUNK))

    def _slow(self, route: Route) -> None:
        if not self.server.stopping.wait(self.server.delay):
            self._picture(route)

    def _drip(self, route: Route) -> None:
        body = self.server.body(route)
        step = -(-len(body) // DRIPS)
        self._begin(200, content_length=str(len(body)))
        for start in range(0, len(body), step):
            if self.server.stopping.wait(self.server.delay):
                return
            self.wfile.write(body[start : start + step])


_ANSWERS: dict[str, Callable[[_Handler, Route], None]] = {
    "ok": _Handler._picture,
    "mislabelled": _Handler._picture,
    "robots": _Handler._robots,
    "error": _Handler._error,
    "redirect": _Handler._redirect,
    "loop": _Handler._redirect,
    "html": _Handler._html,
    "empty": _Handler._empty,
    "dead": _Handler._dead,
    "truncated": _Handler._truncated,
    "cut": _Handler._cut,
    "oversized": _Handler._oversized,
    "slow": _Handler._slow,
    "drip": _Handler._drip,
}
