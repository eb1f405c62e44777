"""An opener for ``urllib`` that trusts no server: bounded in bytes, time and redirects, public addresses only."""

import http.client
import io
import ipaddress
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, Request
from urllib.response import addinfourl

from ligature.data.remote.mirror import lies_on_mirror, mirrored, redirected

MAX_REDIRECTS = 5
BLOCK = 1 << 16
NO_IMAGES = {"text/html", "application/xhtml+xml", "application/json", "application/xml", "text/xml"}
"""Content types of pages that stand where an image stood."""


class RefusedError(ValueError):
    """An address or an answer that is not wanted; the words say why."""


@dataclass(frozen=True)
class Limits:
    """What one answer may take.

    Attributes:
        max_bytes: of its body.
        timeout: seconds from the first connection to the last byte, redirects included. Looking up a name is left out:
            the system's resolver keeps its own time.
    """

    max_bytes: int
    timeout: float

    def environment(self) -> dict[str, str]:
        """Returns the variables that carry the limits to a process and to those it starts."""
        return {"LIGATURE_MAX_BYTES": str(self.max_bytes), "LIGATURE_TIMEOUT": str(self.timeout)}

    @classmethod
    def from_environment(cls) -> "Limits":
        """Reads what ``environment`` wrote; a missing variable is a KeyError, so that nothing runs without limits."""
        return cls(int(os.environ["LIGATURE_MAX_BYTES"]), float(os.environ["LIGATURE_TIMEOUT"]))


def bounded_opener(limits: Limits, proxies: Mapping[str, str] | None = None) -> OpenerDirector:
    """Returns an opener for http and https alone that reads whole bodies within limits.

    Its ``open`` raises ``RefusedError`` with ``too large ...``, ``not an image ...``, ``refused address ...`` or
    ``redirect ...``, and what ``urllib`` raises.

    Args:
        limits: of one answer.
        proxies: address of the proxy by scheme; None reads the environment. A proxy resolves names by itself, so
            that addresses are checked only where there is none, and where no mirror is asked.
    """
    opener = _Opener(limits)
    for handler in (
        urllib.request.ProxyHandler(None if proxies is None else dict(proxies)),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _RedirectHandler(),
        _Handler(limits),
    ):
        opener.add_handler(handler)
    return opener


class _Opener(OpenerDirector):
    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits

    def open(self, fullurl: str | Request, data: bytes | None = None, timeout: float | None = None) -> Any:
        """Opens an address; a redirected request keeps the deadline of the first."""
        request = fullurl if isinstance(fullurl, Request) else Request(fullurl, data)
        if not hasattr(request, "deadline"):
            request.full_url = mirrored(request.full_url)
            request.deadline = time.monotonic() + self.limits.timeout
        return super().open(request, data, max(request.deadline - time.monotonic(), 0.001))


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    max_redirections = MAX_REDIRECTS

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https"):
            raise RefusedError(f"redirect to {scheme}://")
        request = super().redirect_request(req, fp, code, msg, headers, redirected(newurl))
        if request is not None:
            request.deadline = req.deadline
        return request


class _Handler(urllib.request.AbstractHTTPHandler):
    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        self.http_request = self.https_request = self.do_request_

    def http_open(self, request: Request) -> addinfourl:
        return self._open(http.client.HTTPConnection, request)

    def https_open(self, request: Request) -> addinfourl:
        return self._open(http.client.HTTPSConnection, request)

    def _open(self, connection: type[http.client.HTTPConnection], request: Request) -> addinfourl:
        with _guarded(request) as guard:

            def connect(*arguments: Any, **options: Any) -> http.client.HTTPConnection:
                made = connection(*arguments, **options)
                made._create_connection = guard.connect
                return made

            response = self.do_open(connect, request)
            with response:
                body = _read_body(response, self.limits.max_bytes)
        answer = addinfourl(io.BytesIO(body), response.headers, request.full_url, response.status)
        answer.msg = response.reason
        return answer


def _read_body(response: HTTPResponse, max_bytes: int) -> bytes:
    """Reads the body of a good answer; that of any other is of no use and left unread."""
    if not 200 <= response.status < 300:
        return b""
    kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
    if kind in NO_IMAGES:
        raise RefusedError(f"not an image ({kind})")
    body = bytearray()
    while block := response.read(BLOCK):
        body += block
        if len(body) > max_bytes:
            raise RefusedError(f"too large (more than {max_bytes:,} bytes)")
    if response.length:
        raise ConnectionError("answer ended early")
    return bytes(body)


class _Guard:
    """Connects to permitted addresses and cuts the connection off when the time is up."""

    def __init__(self, deadline: float, any_address: bool) -> None:
        self.deadline, self.any_address = deadline, any_address
        self.expired = False
        self._twin: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def connect(self, address: tuple[str, int], *_: Any) -> socket.socket:
        """Stands in for ``socket.create_connection``; connects to the very address that was checked."""
        error = OSError("no address")
        for *_, place in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            if not (self.any_address or is_public(place[0])):
                raise RefusedError(f"refused address ({place[0]} is not public)")
            try:
                return self._watch(socket.create_connection(place[:2], max(self.deadline - time.monotonic(), 0.001)))
            except OSError as failure:
                error = failure
        raise error

    def _watch(self, connected: socket.socket) -> socket.socket:
        self._twin = connected.dup()  # stays valid when TLS takes the first one over
        self._timer = threading.Timer(max(self.deadline - time.monotonic(), 0), self._cut)
        self._timer.daemon = True
        self._timer.start()
        return connected

    def _cut(self) -> None:
        self.expired = True
        with suppress(OSError):  # the other side was faster
            self._twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
            self._twin.close()


@contextmanager
def _guarded(request: Request) -> Iterator[_Guard]:
    """Yields the guard of one request; whatever fails once the time is up has failed by that."""
    trusted = bool(request.has_proxy() or request._tunnel_host) or lies_on_mirror(request.full_url)
    guard = _Guard(request.deadline, any_address=trusted)
    try:
        yield guard
    except RefusedError:
        raise
    except Exception as error:
        if guard.expired:
            raise TimeoutError("timed out") from error
        raise
    finally:
        guard.close()
    if guard.expired:
        raise TimeoutError("timed out")


def is_public(address: str) -> bool:
    """Tells whether an IP address belongs to the public internet, also where it wraps an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast
