"""One file over HTTP: streamed beside its place, resumed after a kill, bounded in size, redirected within http only."""

import contextlib
import http.client
import json
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from ligature.data.remote.mirror import mirrored, redirected
from ligature.errors import DataError
from ligature.progress import Progress
from ligature.store.atomic import write_json

CHUNK = 1 << 18
BACKOFF = 1.0
"""Seconds before the second try; every further one waits twice as long."""
USER_AGENT = "ligature"
TRANSIENT = (urllib.error.URLError, http.client.HTTPException, ssl.SSLError, TimeoutError, ConnectionError)
RETRIED = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, HTTPStatus.TOO_MANY_REQUESTS)
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class GoneError(DataError):
    """Nothing lies at an address any more, or its host does not exist."""


class DeniedError(DataError):
    """An address asks for a permission that the request did not carry."""


@dataclass(frozen=True)
class Request:
    """What is to be fetched, and within which bounds.

    Attributes:
        what: what it is called in messages; a partial file of something else is not continued.
        address: where it lies; a mirror is asked instead where there is one.
        limit: largest number of bytes.
        timeout: seconds that a connection may stay silent.
        retries: further tries after a failure that may pass.
        token: sent as a bearer token to the host that is asked and to no other.
        opener: what opens addresses; one that follows http and https redirects by default.
    """

    what: str
    address: str
    limit: int
    timeout: float = 30
    retries: int = 3
    token: str | None = None
    opener: urllib.request.OpenerDirector | None = None


@dataclass(frozen=True)
class _State:
    """What a partial file is a part of; stands beside it."""

    what: str
    address: str
    etag: str
    validator: str
    bytes: int | None


def download(request: Request, partial: Path) -> str:
    """Fetches an address into ``partial``, going on where an earlier call for the same address was killed.

    An earlier part is continued only if the server says, by ETag or date, that the file is still the same.

    Returns:
        The ETag of the file, or nothing where the server gives none.

    Raises:
        GoneError: the address answers 404 or 410, or its host is unknown.
        DeniedError: the address answers 401 or 403.
        DataError: the file is too large or of unknown size, the answer is a web page, or every try failed.
        OSError: the file cannot be written, for example because the disk is full.
    """
    partial.parent.mkdir(parents=True, exist_ok=True)
    failure = ""
    for attempt in range(request.retries + 1):
        if attempt:
            time.sleep(BACKOFF * 2 ** (attempt - 1))
        try:
            return _try(request, partial)
        except urllib.error.HTTPError as error:
            with error:
                failure = _failure_of_answer(request, error)
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                discard(partial)
        except TRANSIENT as error:
            failure = _failure_of_connection(request, error)
    raise DataError(
        f"{request.what}: {request.address} failed {request.retries + 1} times, the last time with {failure}; "
        "run again later to go on"
    )


def discard(partial: Path) -> None:
    """Removes a partial file and what stands beside it."""
    partial.unlink(missing_ok=True)
    _state_path(partial).unlink(missing_ok=True)


def _try(request: Request, partial: Path) -> str:
    state, start = _resumable(request, partial)
    if state is not None and start == state.bytes:
        return state.etag
    opener = request.opener or urllib.request.build_opener(_WebRedirects())
    with opener.open(_message(request, state, start), timeout=request.timeout) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise DataError(
                f"{request.what}: {request.address} answers with a web page instead of a file; open it in a browser, "
                "accept its terms, and put the address of the file into the table"
            )
        found, start = _begin(request, partial, state, answer, start)
        _stream(request, partial, found, answer, start)
    size = partial.stat().st_size
    if found.bytes is not None and size < found.bytes:
        raise ConnectionError(f"the connection closed after {size:,} of {found.bytes:,} bytes")
    return found.etag


def _message(request: Request, state: _State | None, start: int) -> urllib.request.Request:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if state is not None:
        headers |= {"Range": f"bytes={start}-", "If-Range": state.validator}
    message = urllib.request.Request(mirrored(request.address), headers=headers)
    if request.token:
        message.add_unredirected_header("Authorization", f"Bearer {request.token}")
    return message


def _begin(request: Request, partial: Path, state: _State | None, answer: Any, start: int) -> tuple[_State, int]:
    """Returns what the answer is a part of and at which byte its body begins, after noting it beside the file."""
    if answer.status != HTTPStatus.PARTIAL_CONTENT:
        start = 0
    total = _total(request, partial, state, answer, start)
    etag = answer.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    found = _State(request.what, request.address, etag, validator, total)
    _check_size(request, partial, total or 0)
    if start == 0:
        discard(partial)
        write_json(_state_path(partial), asdict(found))
    return found, start


def _total(request: Request, partial: Path, state: _State | None, answer: Any, start: int) -> int | None:
    """Returns the size of the whole file, or None where the answer does not say it."""
    if answer.status != HTTPStatus.PARTIAL_CONTENT:
        size = _number(answer.headers.get("Content-Length", ""))
        if size is None and answer.headers.get("Transfer-Encoding", "").lower() != "chunked":
            raise DataError(
                f"{request.what}: {request.address} does not say its size, so that a cut would go unnoticed"
            )
        return size
    placed, _, total = answer.headers.get("Content-Range", "").partition("/")
    size = _number(total)
    fits = placed.startswith(f"bytes {start}-") and size is not None
    if state is None or not fits or state.bytes not in (None, size):
        discard(partial)
        raise ConnectionError(f"an answer to another range than the one asked for ({placed}/{total})")
    return size


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _stream(request: Request, partial: Path, found: _State, answer: Any, start: int) -> None:
    size = start
    with (
        Progress(f"fetch {request.what}", found.bytes, "bytes", done=start) as progress,
        partial.open("ab" if start else "wb") as file,
    ):
        while block := answer.read(CHUNK):
            size += len(block)
            _check_size(request, partial, size)
            file.write(block)
            progress.update(len(block))


def _check_size(request: Request, partial: Path, size: int) -> None:
    if size > request.limit:
        discard(partial)
        raise DataError(
            f"{request.what}: {request.address} holds more than {request.limit:,} bytes, the most that is allowed; "
            "correct the size in the table, or allow more"
        )


def _failure_of_answer(request: Request, error: urllib.error.HTTPError) -> str:
    """Returns a failure that may pass in words, and raises for one that will not."""
    where = f"{request.what}: {request.address}"
    if error.code in GONE:
        raise GoneError(f"{where} is gone ({error.code})") from error
    if error.code in DENIED:
        raise DeniedError(f"{where} denies access ({error.code})") from error
    if HTTPStatus.MULTIPLE_CHOICES <= error.code < HTTPStatus.BAD_REQUEST:
        reason = _one_line(error.reason)
        raise DataError(f"{where} leads to an address that is not followed ({reason}); correct it") from error
    if error.code in RETRIED or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"status {error.code}"
    raise DataError(f"{where} answers with status {error.code}; correct the address") from error


def _failure_of_connection(request: Request, error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror):
        raise GoneError(f"{request.what}: the host of {request.address} is unknown ({reason.strerror})") from error
    return _one_line(reason) or type(reason).__name__


def _one_line(text: object) -> str:
    return "".join(character for character in " ".join(str(text).split()) if character.isprintable())[:200]


def _state_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _resumable(request: Request, partial: Path) -> tuple[_State | None, int]:
    """Returns what the partial file is a part of, and its size; (None, 0) where it cannot be continued."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        size = partial.stat().st_size
        state = _State(**json.loads(_state_path(partial).read_text(encoding="utf-8")))
        same = (state.what, state.address) == (request.what, request.address)
        whole = state.bytes is not None and size == state.bytes
        if same and (whole or (state.validator and size)):
            return state, size
    discard(partial)
    return None, 0


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https alone, and shows the token only to the origin it was meant for."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Returns the request to follow a redirect with; urllib explains the arguments."""
        target = urljoin(req.full_url, newurl)
        if urlsplit(target).scheme not in ("http", "https"):
            raise urllib.error.HTTPError(req.full_url, code, f"redirect to {target}", headers, fp)
        address = redirected(target)
        following = super().redirect_request(req, fp, code, msg, headers, address)
        token = req.unredirected_hdrs.get("Authorization")
        if following is not None and token is not None and _origin(address) == _origin(req.full_url):
            following.add_unredirected_header("Authorization", token)
        return following


def _origin(address: str) -> tuple[str, str]:
    pieces = urlsplit(address)
    return pieces.scheme, pieces.netloc.lower()
