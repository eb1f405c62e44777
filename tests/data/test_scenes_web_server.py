import http.client
import io
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from ligature.data.scenes.web import WebServer, server, shares, write_web
from ligature.data.scenes.web.routes import read_routes, writing_routes
from ligature.errors import DataError
from ligature.params.world import WebParams

DELAY = 0.03
BODIES = {}
for file_format in ("JPEG", "PNG"):
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(buffer, file_format)
    BODIES[file_format] = buffer.getvalue()
PICTURE = BODIES["JPEG"]


def url_of(behaviour):
    return f"http://host.example/{behaviour}.jpg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("web")
    with writing_routes(path) as routes:
        for behaviour in ("ok", "robots", "error", "truncated", "cut", "oversized", "slow", "drip"):
            routes.add(url_of(behaviour), behaviour, PICTURE)
        for behaviour in ("missing", "gone", "forbidden", "html", "empty", "dead"):
            routes.add(url_of(behaviour), behaviour)
        routes.add(url_of("mislabelled"), "mislabelled", BODIES["PNG"])
        routes.add(url_of("redirect"), "redirect", target=url_of("ok"))
        routes.add(url_of("loop"), "loop", target=url_of("loop"))
    return path


@pytest.fixture
def web(folder):
    with WebServer(folder, delay=DELAY) as running:
        yield running


def fetch(web, behaviour, timeout=5.0):
    """Returns the answer to the url of a behaviour, fetched as any client does that is told of a proxy."""
    return fetch_url(web, url_of(behaviour), timeout)


def fetch_url(web, url, timeout=5.0):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": web.address}))
    return opener.open(url, timeout=timeout)


def status_of(web, behaviour):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(web, behaviour)
    caught.value.close()
    return caught.value.code


def test_every_behaviour_of_the_tables_is_answered(folder):
    words = {"ok"}.union(*shares.PROFILES.values())
    assert words == {route.behaviour for route in read_routes(folder).values()}
    assert words == {*server._ANSWERS, *server._STATUS} - {"unknown"}


def test_an_ok_url_answers_with_its_picture(web):
    with fetch(web, "ok") as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert int(answer.headers["Content-Length"]) == len(PICTURE)
        assert "X-Robots-Tag" not in answer.headers
        assert answer.read() == PICTURE


def test_the_proxy_is_found_in_the_environment(web, monkeypatch):
    monkeypatch.setenv("http_proxy", web.address)
    monkeypatch.delenv("no_proxy", raising=False)
    with urllib.request.build_opener().open(url_of("ok"), timeout=5) as answer:
        assert answer.read() == PICTURE


def test_a_mislabelled_picture_is_sent_as_jpeg(web):
    with fetch(web, "mislabelled") as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.read())).format == "PNG"


@pytest.mark.parametrize(("behaviour", "status"), [("missing", 404), ("gone", 410), ("forbidden", 403)])
def test_refusals_have_their_status(web, behaviour, status):
    assert status_of(web, behaviour) == status
    assert web.requests == {behaviour: 1}


@pytest.mark.parametrize("url", ["http://nobody.example/x.jpg", url_of("ok") + "?w=2", url_of("other")])
def test_an_unknown_url_is_a_host_that_is_not_found(web, url):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch_url(web, url)
    caught.value.close()
    assert caught.value.code == 502
    assert web.requests["unknown"] == 1


def test_a_request_that_names_no_host_is_refused(web):
    with pytest.raises(urllib.error.HTTPError, match="502"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{web.address}/ok.jpg", timeout=5)


def test_an_error_is_over_at_the_second_try(web):
    assert status_of(web, "error") == 503
    for _ in range(2):
        with fetch(web, "error") as answer:
            assert answer.read() == PICTURE
    assert web.requests["error"] == 3


def test_a_new_server_forgets_which_urls_failed(folder):
    for _ in range(2):
        with WebServer(folder) as web:
            assert status_of(web, "error") == 503


def test_a_redirection_leads_to_the_target(web):
    with fetch(web, "redirect") as answer:
        assert answer.url == url_of("ok")
        assert answer.read() == PICTURE
    assert web.requests == {"redirect": 1, "ok": 1}


def test_a_loop_never_arrives(web):
    with pytest.raises(urllib.error.HTTPError, match="infinite loop") as caught:
        fetch(web, "loop")
    caught.value.close()
    assert web.requests["loop"] > 2


def test_html_and_empty_answers_are_no_pictures(web):
    with fetch(web, "html") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.read().startswith(b"<!DOCTYPE html>")
    with fetch(web, "empty") as answer:
        assert (answer.status, answer.read()) == (200, b"")


def test_a_truncated_answer_ends_before_its_announced_length(web):
    with fetch(web, "truncated") as answer, pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert caught.value.partial == PICTURE[: len(PICTURE) // 2]


def test_a_cut_picture_is_announced_as_it_is(web):
    with fetch(web, "cut") as answer:
        body = answer.read()
    assert body == PICTURE[: len(PICTURE) // 2]
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(body)).load()


def test_an_oversized_answer_announces_no_length_and_goes_on(web, monkeypatch):
    monkeypatch.setattr(server, "OVERSIZED", 4 << 20)
    with fetch(web, "oversized") as answer:
        assert "Content-Length" not in answer.headers
        assert answer.read(len(PICTURE)) == PICTURE
        assert answer.read() == bytes(4 << 20)


def test_a_client_that_hangs_up_is_no_error(web, capfd):
    with fetch(web, "oversized") as answer:
        answer.read(1000)
    with fetch(web, "ok") as answer:
        assert answer.read() == PICTURE
    assert capfd.readouterr() == ("", "")


def test_a_page_for_robots_says_so(web):
    with fetch(web, "robots") as answer:
        assert "noai" in answer.headers["X-Robots-Tag"]
        assert answer.read() == PICTURE


def test_a_slow_answer_comes_after_the_delay(web):
    start = time.monotonic()
    with fetch(web, "slow") as answer:
        assert answer.read() == PICTURE
    assert time.monotonic() - start >= DELAY


def test_a_dripping_answer_takes_many_delays_while_no_single_wait_is_long(web):
    start = time.monotonic()
    with fetch(web, "drip", timeout=2.0) as answer:
        assert answer.read() == PICTURE
    assert time.monotonic() - start >= DELAY * (server.DRIPS - 1)


def test_a_dead_host_hangs_up_without_a_word(web):
    with pytest.raises((http.client.RemoteDisconnected, urllib.error.URLError)):
        fetch(web, "dead")
    assert web.requests == {"dead": 1}


def test_many_clients_at_once_are_all_answered_and_counted(web):
    def size(_):
        with fetch(web, "ok") as answer:
            return len(answer.read())

    with ThreadPoolExecutor(32) as clients:
        assert set(clients.map(size, range(200))) == {len(PICTURE)}
    assert web.requests["ok"] == 200


def test_nothing_listens_and_no_thread_lives_after_the_end(folder):
    before = set(threading.enumerate())
    with WebServer(folder, delay=60) as web:
        host, port = web.address.removeprefix("http://").split(":")
        assert host == "127.0.0.1"
        idle = socket.create_connection((host, int(port)), timeout=5)
        waiting = [ThreadPoolExecutor(1) for _ in range(2)]
        futures = [
            pool.submit(fetch, web, behaviour) for pool, behaviour in zip(waiting, ("slow", "drip"), strict=True)
        ]
        while web.requests.total() < 2:
            time.sleep(0.01)
        start = time.monotonic()
    assert time.monotonic() - start < 3
    for pool, future in zip(waiting, futures, strict=True):
        with pytest.raises((OSError, http.client.HTTPException)):
            future.result(timeout=5).read()
        pool.shutdown()
    with idle:
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=3)
    assert not set(threading.enumerate()) - before


def test_a_folder_that_holds_no_web_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no table of routes"), WebServer(tmp_path):
        pass
    with writing_routes(tmp_path):
        pass
    (tmp_path / "images.tar").unlink()
    with pytest.raises(DataError, match=r"images\.tar: cannot be read .*; render the world again"), WebServer(tmp_path):
        pass


def test_a_written_web_is_answered_by_its_routes(tmp_path):
    params = WebParams(laion=120, parts=1, cc3m=5, cc12m=5, sbu=5)
    write_web(tmp_path, seed=1, image_size=32, params=params, leaks=[])
    sound = [route.url for route in read_routes(tmp_path).values() if route.behaviour in ("ok", "redirect")]
    with WebServer(tmp_path) as web:
        for url in sound:
            with fetch_url(web, url) as answer:
                assert Image.open(io.BytesIO(answer.read())).size == (32, 32)
    assert set(web.requests) == {"ok", "redirect"}
