"""The opener: what it reads, what it refuses, and that no server can hold it up or fill its memory."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.error import HTTPError, URLError

import pytest
from web_stub import jpeg, serving

from ligature.data.download.opener import Limits, RefusedError, bounded_opener, is_public
from ligature.data.download.statuses import status_of

LIMITS = Limits(max_bytes=200_000, timeout=0.4)


@pytest.fixture(scope="module")
def web():
    with serving() as server:
        yield server


def opened(web, path, limits=LIMITS):
    opener = bounded_opener(limits, {"http": web.address})
    with opener.open(f"http://images.example/{path}") as answer:
        return answer.read()


def test_an_image_comes_whole_with_its_headers(web):
    opener = bounded_opener(LIMITS, {"http": web.address})
    with opener.open("http://images.example/robots3", timeout=99) as answer:
        assert answer.headers.get_all("X-Robots-Tag") == ["noai"]
        assert (answer.status, answer.read()) == (200, jpeg(3))


def test_a_redirect_to_the_web_is_followed(web):
    assert opened(web, "redirect4") == jpeg(4)


@pytest.mark.parametrize(
    ("path", "error", "words", "status"),
    [
        ("code404", HTTPError, "HTTP Error 404: Not Found", "not found"),
        ("code503", HTTPError, "HTTP Error 503", "server error"),
        ("html", RefusedError, r"not an image \(text/html\)", "not an image"),
        ("oversized", RefusedError, r"too large \(more than 200,000 bytes\)", "too large"),
        ("cut", ConnectionError, "answer ended early", "no connection"),
        ("drip0", TimeoutError, "timed out", "timeout"),
        ("drip1", TimeoutError, "timed out", "timeout"),
        ("loop", HTTPError, "HTTP Error 302", "redirect"),
        ("file", HTTPError, "'file:///etc/hostname' is not allowed", "redirect"),
    ],
)
def test_what_a_server_may_not_do(web, path, error, words, status):
    start = time.monotonic()
    with pytest.raises(error, match=words) as caught:
        opened(web, path)
    assert time.monotonic() - start < LIMITS.timeout + 0.6
    assert status_of(str(caught.value)) == status


def test_a_body_of_just_the_largest_size_is_read(web):
    size = len(jpeg(5))
    assert opened(web, "ok5", Limits(size, 5)) == jpeg(5)
    with pytest.raises(RefusedError, match="too large"):
        opened(web, "ok5", Limits(size - 1, 5))


def test_redirects_are_few_and_share_one_deadline(web):
    web.requests.clear()
    with pytest.raises(HTTPError):
        opened(web, "loop")
    assert sum(web.requests.values()) == 6


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://images.example/a.jpg", "data:image/png,x"])
def test_other_schemes_are_unknown(address):
    with pytest.raises(URLError, match="unknown url type") as caught:
        bounded_opener(LIMITS, {}).open(address)
    assert status_of(str(caught.value)) == "refused address"


def test_private_addresses_are_refused_without_a_proxy(web):
    before = web.requests.total()
    port = web.server_address[1]
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"):
        with pytest.raises(RefusedError, match="refused address") as caught:
            bounded_opener(LIMITS, {}).open(f"http://{host}:{port}/ok1")
        assert status_of(str(caught.value)) == "refused address"
    with pytest.raises(RefusedError, match="refused address"):
        bounded_opener(LIMITS, {}).open(f"https://127.0.0.1:{port}/ok1")
    assert web.requests.total() == before


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(web, monkeypatch):
    asked, look_up = [], socket.getaddrinfo

    def record(host, *arguments, **options):
        asked.append(host)
        return look_up("127.0.0.1" if host == "images.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", record)
    monkeypatch.setattr("ligature.data.download.opener.is_public", lambda address: address == "127.0.0.1")
    with bounded_opener(LIMITS, {}).open(f"http://images.example:{web.server_address[1]}/ok2") as answer:
        assert answer.read() == jpeg(2)
    assert asked == ["images.example", "127.0.0.1"], "the name is looked up once"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses_are_told_from_others(address, public):
    assert is_public(address) is public


def test_a_server_that_never_ends_its_tls_handshake_is_cut_off(monkeypatch):
    monkeypatch.setattr("ligature.data.download.opener.is_public", lambda address: True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = []
        threading.Thread(target=lambda: accepted.append(listener.accept()), daemon=True).start()
        start = time.monotonic()
        with pytest.raises((TimeoutError, URLError), match="timed out"):
            bounded_opener(LIMITS, {}).open(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        assert time.monotonic() - start < LIMITS.timeout + 0.6
        accepted[0][0].close()


def test_no_thread_and_no_socket_is_left_behind(web):
    opened(web, "ok1")
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        with pytest.raises(HTTPError):
            opened(web, "code404")
        opened(web, "ok1")
    assert threading.active_count() <= threads + 2
    assert len(os.listdir("/proc/self/fd")) <= files + 4


def test_limits_travel_in_the_environment(monkeypatch):
    for name, value in LIMITS.environment().items():
        monkeypatch.setenv(name, value)
    assert Limits.from_environment() == LIMITS


def test_the_process_ends_with_its_parent():
    code = "import time; from ligature.data.download.runner import end_with_parent; end_with_parent(); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True)
    process.stdin.write(b"x")
    process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.stdin.close()
    assert process.wait(30) == -signal.SIGKILL


def test_the_process_runs_nothing_without_limits(tmp_path):
    command = [sys.executable, "-m", "ligature.data.download.runner", str(tmp_path / "none.json")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIGATURE_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "LIGATURE_MAX_BYTES" in done.stderr
