"""Statuses: every error that is known has its reason, any other is one too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.download.packing import host_of, summary
from ligature.data.download.statuses import DETAIL_LENGTH, STATUSES, detail_of, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("HTTP Error 400: Bad Request", "other"),
        ("HTTP Error 401: Unauthorized", "forbidden"),
        ("HTTP Error 404: robots timed out", "not found"),
        ("HTTP Error 408: Request Timeout", "timeout"),
        ("HTTP Error 410: Gone", "gone"),
        ("HTTP Error 429: Too Many Requests", "server error"),
        ("HTTP Error 451: Unavailable For Legal Reasons", "forbidden"),
        ("HTTP Error 503: Service Unavailable", "server error"),
        ("HTTP Error 302: Found - Redirection to url 'file:///x' is not allowed", "redirect"),
        ("redirect to ftp://", "redirect"),
        ("<urlopen error timed out>", "timeout"),
        ("The read operation timed out", "timeout"),
        ("<urlopen error [Errno 110] Connection timed out>", "timeout"),
        ("<urlopen error [Errno -2] Name or service not known>", "no connection"),
        ("<urlopen error [Errno 111] Connection refused>", "no connection"),
        ("<urlopen error Tunnel connection failed: 403 Forbidden>", "no connection"),
        ("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)>", "no connection"),
        ("Remote end closed connection without response", "no connection"),
        ("[Errno 104] Connection reset by peer", "no connection"),
        ("IncompleteRead(3 bytes read, 4 more expected)", "no connection"),
        ("answer ended early", "no connection"),
        ("<urlopen error unknown url type: file>", "refused address"),
        ("<urlopen error no host given>", "refused address"),
        ("refused address (10.0.0.1 is not public)", "refused address"),
        ("nonnumeric port: 'x'", "refused address"),
        ("encoding with 'idna' codec failed (UnicodeError: label empty or too long)", "refused address"),
        ("Use of image disallowed by X-Robots-Tag directive", "robots"),
        ("too large (more than 20,000,000 bytes)", "too large"),
        ("more than 64,000,000 pixels", "too large"),
        ("not an image (text/html)", "not an image"),
        ("format EPS is not read", "not an image"),
        ("sides above 100 : 1", "not an image"),
        ("broken image (image file is truncated (3 bytes not processed))", "broken image"),
        ("too small (3 x 4 pixels)", "too small"),
        ("empty answer", "empty"),
        ("", "other"),
        ("something new", "other"),
    ],
)
def test_errors_have_their_reason(error, status):
    assert status_of(error) == status


@given(st.text(max_size=300))
@settings(max_examples=25, deadline=None)
def test_details_are_short_printable_and_stay_what_they_are(error):
    detail = detail_of(error)
    assert len(detail) <= DETAIL_LENGTH
    assert detail.isprintable()
    assert detail_of(detail) == detail
    assert status_of(detail) in STATUSES


def test_addresses_in_memory_leave_the_detail():
    assert detail_of("<object at 0x7f12ab>\n failed\x00") == "<object at 0x> failed"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.Example:80/x", "a.example"),
        ("https://u:p@b.example", "b.example"),
        ("x", ""),
        ("http://[bad/", ""),
        ("http://[::1]/", "::1"),
    ],
)
def test_hosts_are_told_from_addresses(url, host):
    assert host_of(url) == host


def test_the_report_counts_by_host_and_status_most_frequent_first():
    rows = [("b", "gone"), ("a", "gone"), ("b", "success"), ("b", "success"), ("a", "empty")]
    report = summary({"host": host, "status": status} for host, status in rows)
    assert report == {
        "rows": 5,
        "success": 2,
        "status": {"gone": 2, "success": 2, "empty": 1},
        "hosts": {"b": {"success": 2, "gone": 1}, "a": {"empty": 1, "gone": 1}},
    }
    assert list(report["status"]) == ["gone", "success", "empty"]
    assert list(report["hosts"]) == ["b", "a"]
    assert summary([]) == {"rows": 0, "success": 0, "status": {}, "hosts": {}}
