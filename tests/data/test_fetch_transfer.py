import errno
import hashlib
import resource
import socket
import urllib.error
import urllib.request

import pytest
from fetch_server import CONTENT, Page, serving

from ligature.data.remote import transfer
from ligature.data.remote.transfer import DeniedError, GoneError, Request, discard, download
from ligature.errors import DataError

HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF", 0.0)


@pytest.fixture(scope="module")
def server():
    with serving() as web:
        yield web


@pytest.fixture
def web(server):
    server.pages.clear()
    server.seen.clear()
    return server


def request(address, **changes):
    values = {"what": "pool@1", "address": address, "limit": 10**9, "timeout": 5, "retries": 2}
    return Request(**{**values, **changes})


class Killed(Exception):
    """Stands for a kill in the middle of a transfer."""


class KillingOpener:
    """Opens an address and is killed after a number of blocks."""

    def __init__(self, blocks):
        self.blocks = blocks

    def open(self, message, timeout):
        answer = urllib.request.urlopen(message, timeout=timeout)
        read = answer.read

        def killed_read(size):
            if self.blocks == 0:
                raise Killed
            self.blocks -= 1
            return read(size)

        answer.read = killed_read
        return answer


def killed_half_way(address, partial, what="pool@1"):
    with pytest.raises(Killed):
        download(request(address, what=what, opener=KillingOpener(2)), partial)
    assert partial.stat().st_size == HALF


def test_a_file_arrives_whole_with_its_etag(web, tmp_path):
    partial = tmp_path / "folder" / "file.partial"
    assert download(request(web.add("/f", Page())), partial) == '"one"'
    assert partial.read_bytes() == CONTENT


def test_a_killed_transfer_goes_on_where_it_stopped(web, tmp_path):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page())
    killed_half_way(address, partial)
    web.seen.clear()
    download(request(address), partial)
    assert partial.read_bytes() == CONTENT
    ((_, headers),) = web.seen
    assert headers["range"] == f"bytes={HALF}-"
    assert headers["if-range"] == '"one"'


def test_a_file_that_has_changed_in_between_is_fetched_from_the_start(web, tmp_path):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page())
    killed_half_way(address, partial)
    web.add("/f", Page(content=CONTENT[::-1], etag='"two"'))
    assert download(request(address), partial) == '"two"'
    assert partial.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("page", [Page(resumes=False), Page(shift=7), Page(content=CONTENT[::-1] + b"more")])
def test_servers_that_do_not_resume_as_asked_give_the_whole_file(web, tmp_path, page):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page())
    killed_half_way(address, partial)
    web.add("/f", page)
    download(request(address), partial)
    assert partial.read_bytes() == page.content


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_mark_nothing_is_continued(web, tmp_path, etag):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page(etag=etag))
    killed_half_way(address, partial)
    web.seen.clear()
    download(request(address), partial)
    assert partial.read_bytes() == CONTENT
    assert "range" not in web.seen[0][1]


def test_the_part_of_another_version_or_address_is_not_continued(web, tmp_path):
    partial = tmp_path / "f.partial"
    killed_half_way(web.add("/old", Page(content=CONTENT[::-1])), partial)
    download(request(web.add("/new", Page())), partial)
    assert partial.read_bytes() == CONTENT
    discard(partial)
    killed_half_way(web.root + "/old", partial, what="pool@0")
    web.seen.clear()
    download(request(web.root + "/old"), partial)
    assert "range" not in web.seen[0][1]


@pytest.mark.parametrize("state", ["", "[]", '{"what": 3}', "not json", '{"etag": "only"}'])
def test_a_damaged_note_beside_the_part_means_starting_again(web, tmp_path, state):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page())
    killed_half_way(address, partial)
    (tmp_path / "f.partial.json").write_text(state)
    download(request(address), partial)
    assert partial.read_bytes() == CONTENT


def test_a_part_that_is_whole_needs_no_request(web, tmp_path):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page())
    download(request(address), partial)
    web.seen.clear()
    assert download(request(address), partial) == '"one"'
    assert web.seen == []


def test_a_connection_that_closes_early_is_continued_by_a_retry(web, tmp_path):
    partial = tmp_path / "f.partial"
    address = web.add("/f", Page(cut_after=[HALF, 10]))
    download(request(address), partial)
    assert partial.read_bytes() == CONTENT
    assert [headers.get("range") for _, headers in web.seen] == [None, f"bytes={HALF}-", f"bytes={HALF + 10}-"]


@pytest.mark.parametrize("failures", [[503], [500, 429]])
def test_failures_that_pass_are_retried(web, tmp_path, failures):
    partial = tmp_path / "f.partial"
    download(request(web.add("/f", Page(failures=list(failures)))), partial)
    assert len(web.seen) == len(failures) + 1
    assert partial.read_bytes() == CONTENT


def test_a_failure_that_stays_ends_in_one_line_with_the_number_of_tries(web, tmp_path):
    address = web.add("/f", Page(failures=[500] * 9))
    with pytest.raises(DataError, match=r"pool@1: http://\S+/f failed 3 times, the last time with status 500"):
        download(request(address), tmp_path / "f.partial")
    assert len(web.seen) == 3


def test_the_waits_between_tries_double(web, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(transfer, "BACKOFF", 1.0)
    monkeypatch.setattr(transfer.time, "sleep", waits.append)
    with pytest.raises(DataError):
        download(request(web.add("/f", Page(failures=[500] * 9)), retries=3), tmp_path / "f.partial")
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_is_not_retried(web, tmp_path, status):
    address = web.add("/f", Page(failures=[status]))
    with pytest.raises(GoneError, match=rf"is gone \({status}\)"):
        download(request(address), tmp_path / "f.partial")
    assert len(web.seen) == 1


def test_an_unknown_host_counts_as_gone(tmp_path):
    class Nowhere:
        def open(self, message, timeout):
            raise urllib.error.URLError(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))

    with pytest.raises(GoneError, match=r"host of http://gone.example/f is unknown"):
        download(request("http://gone.example/f", opener=Nowhere()), tmp_path / "f.partial")


@pytest.mark.parametrize("status", [401, 403])
def test_a_denied_address_is_told_apart(web, tmp_path, status):
    with pytest.raises(DeniedError, match=rf"denies access \({status}\)"):
        download(request(web.add("/f", Page(failures=[status]))), tmp_path / "f.partial")


def test_a_file_above_the_limit_is_refused_before_it_is_written(web, tmp_path):
    partial = tmp_path / "f.partial"
    with pytest.raises(DataError, match="more than 1,000 bytes"):
        download(request(web.add("/f", Page()), limit=1000), partial)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_say_its_size_is_refused(web, tmp_path):
    with pytest.raises(DataError, match="does not say its size"):
        download(request(web.add("/f", Page(sized=False))), tmp_path / "f.partial")


def test_a_stream_above_the_limit_is_cut_off(web, tmp_path):
    class Endless:
        """Answers in chunks without an end."""

        def open(self, message, timeout):
            answer = urllib.request.urlopen(message, timeout=timeout)
            del answer.headers["Content-Length"]
            answer.headers["Transfer-Encoding"] = "chunked"
            answer.read = lambda size: b"x" * size
            return answer

    with pytest.raises(DataError, match="more than 2,000,000 bytes"):
        download(request(web.add("/f", Page()), limit=2_000_000, opener=Endless()), tmp_path / "f.partial")
    assert list(tmp_path.iterdir()) == []


def test_a_web_page_is_no_file(web, tmp_path):
    with pytest.raises(DataError, match="web page instead of a file"):
        download(request(web.add("/f", Page(content_type="text/html; charset=utf-8"))), tmp_path / "f.partial")


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/f", "data:text/plain,hi"])
def test_redirects_stay_within_http(web, tmp_path, place):
    address = web.add("/f", Page(status=302, location=place))
    with pytest.raises(DataError, match="leads to an address that is not followed"):
        download(request(address), tmp_path / "f.partial")
    assert not (tmp_path / "f.partial").exists()


def test_a_redirect_in_a_circle_is_one_line(web, tmp_path):
    address = web.add("/f", Page(status=302, location="/f"))
    with pytest.raises(DataError) as caught:
        download(request(address), tmp_path / "f.partial")
    assert "\n" not in str(caught.value)


def test_the_token_follows_a_redirect_within_the_host_and_never_to_another(web, tmp_path):
    with serving() as other:
        far = other.add("/far", Page())
        web.add("/near", Page(status=302, location=far))
        address = web.add("/f", Page(status=302, location="/near"))
        download(request(address, token="secret"), tmp_path / "f.partial")
        assert [headers.get("authorization") for _, headers in web.seen] == ["Bearer secret"] * 2
        assert [headers.get("authorization") for _, headers in other.seen] == [None]
    assert hashlib.sha256((tmp_path / "f.partial").read_bytes()).digest() == hashlib.sha256(CONTENT).digest()


def test_a_disk_that_takes_no_more_is_reported_as_what_it_is(web, tmp_path):
    address = web.add("/f", Page())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            download(request(address), tmp_path / "f.partial")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert len(web.seen) == 1


def test_a_silent_server_is_given_up_after_the_timeout(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/f"
        with pytest.raises(DataError, match="failed 2 times, the last time with timed out"):
            download(request(address, timeout=0.05, retries=1), tmp_path / "f.partial")
