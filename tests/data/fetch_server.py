"""A small web of files on 127.0.0.1 that can resume, break off, deny, redirect and count."""

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from local_server import running

CONTENT = bytes(range(256)) * 4096
"""A megabyte."""


@dataclass
class Page:
    """What a path answers: bytes with an ETag, or a status, or a place to go."""

    content: bytes = CONTENT
    etag: str = '"one"'
    status: int = 200
    location: str = ""
    content_type: str = "application/octet-stream"
    cut_after: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    sized: bool = True
    resumes: bool = True
    shift: int = 0


@dataclass
class Web:
    """A running server: its pages, and the requests it has seen."""

    root: str
    pages: dict[str, Page] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def add(self, path: str, page: Page) -> str:
        self.pages[path] = page
        return self.root + path


class Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.web.seen.append((self.path, headers))
        page = self.web.pages.get(self.path)
        if page is None:
            self.send_error(404)
        elif page.failures:
            self.send_error(page.failures.pop(0))
        elif page.status != 200:
            self.send_response(page.status)
            self.send_header("Location", page.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(page, headers)

    def _send(self, page: Page, headers: dict[str, str]) -> None:
        wanted, start = headers.get("range"), 0
        if wanted and page.resumes and headers.get("if-range") == page.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(page.content):
                return self.send_error(416)
            self.send_response(206)
            start += page.shift
            self.send_header("Content-Range", f"bytes {start}-{len(page.content) - 1}/{len(page.content)}")
        else:
            self.send_response(200)
        body = page.content[start:]
        self.send_header("Content-Type", page.content_type)
        self.send_header("ETag", page.etag)
        if page.sized:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body[: page.cut_after.pop(0)] if page.cut_after else body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def serving() -> AbstractContextManager[Web]:
    """Yields what the running server knows."""
    return running(Handler, "web", Web)
