"""A mirror of the study's own web, which can be dropped after some answers."""

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ligature.data.scenes.web import WebServer


class ImageMirror:
    """Answers ``/<host>/<path>`` with what the web has at ``http://<host>/<path>`` while the block lasts.

    Attributes:
        address: ``http://127.0.0.1:PORT``.
        answers: number of answers after which the server is gone; None for one that stays.
    """

    def __init__(self, web: Path, answers: int | None = None) -> None:
        """Takes the folder of the web."""
        self._web, self.answers = WebServer(web, delay=0.1), answers
        self._lock, self._server = threading.Lock(), None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ImageMirror":
        """Starts to listen on a free port."""
        self._web.__enter__()
        proxy = urllib.request.ProxyHandler({"http": self._web.address})
        mirror, opener = self, urllib.request.build_opener(proxy)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if mirror.may_answer():
                    self.relay()
                else:
                    self.close_connection = True

            def relay(self) -> None:
                try:
                    with opener.open(f"http:/{self.path}") as answer:
                        status, headers, body = answer.status, answer.headers, answer.read()
                except urllib.error.HTTPError as error:
                    status, headers, body = error.code, error.headers, b""
                except OSError:
                    return
                self.send_response(status)
                self.send_header("Content-Type", headers.get("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def may_answer(self) -> bool:
        """Whether the server is still there; an answer is counted."""
        with self._lock:
            if self.answers is None:
                return True
            self.answers -= 1
            return self.answers >= 0

    def __exit__(self, *_: object) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()
        self._web.__exit__()
