"""A stand-in for the Hub on 127.0.0.1: it creates data sets and takes commits, regular files and large ones."""

import base64
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from local_server import running

TOKEN = "hf_secret"


@dataclass
class Hub:
    """What has arrived, and what to answer instead."""

    root: str
    files: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    redirect: str = ""
    upload_host: str = ""


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_POST(self) -> None:
        body = self._body()
        if self._refused():
            return
        if self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            self._answer({"files": [self._mode(file) for file in json.loads(body)["files"]]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            self._answer({"transfer": "basic", "objects": [self._place(one) for one in json.loads(body)["objects"]]})
        elif "/commit/" in self.path:
            self._commit([json.loads(line) for line in body.splitlines()])
        else:
            self.send_error(404)

    def do_PUT(self) -> None:
        body = self._body()
        if not self._refused():
            self.hub.objects[self.path.rpartition("/")[2]] = body
            self._answer({})

    def do_GET(self) -> None:
        if not self._refused():
            self.send_error(404)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _refused(self) -> bool:
        self.hub.seen.append((self.command, self.path, self.headers.get("Authorization")))
        self.hub.agents.add(self.headers.get("User-Agent", ""))
        if self.hub.redirect:
            self.send_response(307)
            self.send_header("Location", self.hub.redirect + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return True
        for part, status in self.hub.failures.items():
            if part in self.path:
                self.send_response(status)
                self.send_header("X-Error-Message", "not\ttoday")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return True
        return False

    def _create(self, wanted: dict[str, Any]) -> None:
        status = 409 if wanted in self.hub.created else 200
        self.hub.created.append(wanted)
        self._answer({"url": f"{self.hub.root}/datasets/{wanted['organization']}/{wanted['name']}"}, status)

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if file["path"].endswith(".parquet") else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}

    def _place(self, one: dict[str, Any]) -> dict[str, Any]:
        href = f"{self.hub.upload_host or self.hub.root}/objects/{one['oid']}"
        return {"oid": one["oid"], "size": one["size"], "actions": {"upload": {"href": href}}}

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            key, value = line["key"], line["value"]
            if key == "header":
                self.hub.commits.append(value["summary"])
            elif key == "file":
                self.hub.files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                self.hub.files[value["path"]] = self.hub.objects[value["oid"]]
        place = self.path.removeprefix("/api").rpartition("/")[0]
        self._answer({"commitUrl": f"{self.hub.root}{place}/{'1' * 40}", "commitOid": "1" * 40})

    def _answer(self, value: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def hub_running() -> AbstractContextManager[Hub]:
    """Yields what the running server knows."""
    return running(Handler, "hub", Hub)


def go_online(monkeypatch: Any) -> None:
    """Lets the library speak to the stand-in where ``HF_HUB_OFFLINE`` is set, as it is in continuous integration."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
