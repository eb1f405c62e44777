"""A small web behind a proxy on 127.0.0.1: good images, and every way in which an address can fail."""

import io
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
from PIL import Image


def jpeg(number: int, size: tuple[int, int] = (48, 40)) -> bytes:
    """Returns a picture that no other number has."""
    blocks = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


class _Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.requests[path] += 1
        kind, number = re.fullmatch(r"/(\w+?)(\d*)", path).groups()
        with suppress(ConnectionError):  # a client may hang up
            getattr(self, f"answer_{kind}")(int(number or 0))

    def reply(self, body: bytes = b"", code: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in ({"Content_Type": "image/jpeg"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self, number: int) -> None:
        self.reply(jpeg(number))

    def answer_big(self, number: int) -> None:
        self.reply(jpeg(number, (300, 200)))

    def answer_huge(self, number: int) -> None:
        self.reply(jpeg(number, (600, 400)) + bytes(30_000))

    def answer_code(self, number: int) -> None:
        self.reply(b"page", number, Content_Type="text/html")

    def answer_later(self, number: int) -> None:
        self.reply(jpeg(number), 503) if self.server.down else self.reply(jpeg(number))

    def answer_html(self, number: int) -> None:
        self.reply(b"<html>sold</html>", Content_Type="text/html; charset=utf-8")

    def answer_page(self, number: int) -> None:
        self.reply(b"<html>sold</html>")

    def answer_empty(self, number: int) -> None:
        self.reply()

    def answer_truncated(self, number: int) -> None:
        self.reply(jpeg(number)[:400])

    def answer_cut(self, number: int) -> None:
        self.reply(jpeg(number)[:400], length=5000)

    def answer_oversized(self, number: int) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(1 << 16))

    def answer_drip(self, number: int) -> None:
        """Drips one byte at a time: of the header (0) or of the body (1)."""
        if number:
            self.send_response(200)
            self.end_headers()
        while not self.server.closing:
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)

    def answer_redirect(self, number: int) -> None:
        self.reply(code=302, Location=f"http://images.example/ok{number}")

    def answer_loop(self, number: int) -> None:
        self.reply(code=302, Location=f"http://images.example/loop{number + 1}")

    def answer_file(self, number: int) -> None:
        self.reply(code=302, Location="file:///etc/hostname")

    def answer_robots(self, number: int) -> None:
        self.reply(jpeg(number), X_Robots_Tag="noai")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Web(ThreadingHTTPServer):
    """The server.

    Attributes:
        requests: how often every path was asked for.
        down: whether ``/laterN`` answers 503.
        closing: ends answers that would go on for ever.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Web)
        self.requests: Counter[str] = Counter()
        self.down, self.closing = True, False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving() -> Iterator[Web]:
    """Runs a web for the length of a block."""
    with Web() as web:
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        yield web
        web.closing = True
        web.shutdown()
