"""What goes from the cache: by age, by size, never what a study still stands for."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.store.cache_entry import Entry, Use
from ligature.store.cache_sweep import stale, to_remove

NOW = datetime(2030, 1, 31, tzinfo=UTC)


def entry(tmp_path, number, *, days, nbytes=10, used=False):
    """An entry that was put so many days ago; where it is used, its study's store stands."""
    store = tmp_path / f"store-{number}"
    store.mkdir(parents=True, exist_ok=True)
    if used:
        (store / "manifest.json").touch()
    when = (NOW - timedelta(days=days)).isoformat(timespec="seconds")
    made = Use("study", str(store), "user", "host", when)
    found = Entry(tmp_path / f"{number:032x}", {}, 4, nbytes, "", made)
    found.note(made)
    return found


def test_what_nobody_used_for_so_many_days_goes(tmp_path):
    entries = [entry(tmp_path, number, days=10 * number) for number in range(4)]
    assert to_remove(entries, unused_days=20, now=NOW) == [entries[3], entries[2]]


def test_a_later_use_keeps_an_old_entry(tmp_path):
    old = entry(tmp_path, 1, days=90)
    late = (NOW - timedelta(days=1)).isoformat(timespec="seconds")
    old.note(replace(old.made, store=str(tmp_path / "gone"), time=late))
    assert old.last_used == late
    assert to_remove([old], unused_days=20, now=NOW) == []


def test_what_a_study_still_stands_for_stays_unless_forced(tmp_path):
    used = entry(tmp_path, 1, days=90, used=True)
    assert to_remove([used], unused_days=20, max_bytes=0, now=NOW) == []
    assert to_remove([used], unused_days=20, force=True, now=NOW) == [used]


@given(sizes=st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=6), limit=st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_by_size_the_oldest_go_until_the_rest_fits(tmp_path_factory, sizes, limit):
    folder = tmp_path_factory.mktemp("cache")
    entries = [entry(folder, age, days=age, nbytes=size, used=used) for age, (size, used) in enumerate(sizes)]
    gone = to_remove(entries, max_bytes=limit, now=NOW)
    free = [found for found in reversed(entries) if not found.in_use]
    assert gone == free[: len(gone)]
    left = sum(found.nbytes for found in entries) - sum(found.nbytes for found in gone)
    assert left <= limit or gone == free
    assert not gone or left + gone[-1].nbytes > limit


def test_nothing_goes_without_a_reason(tmp_path):
    assert to_remove([entry(tmp_path, 1, days=900)], now=NOW) == []


@pytest.mark.parametrize(("hours", "goes"), [(1, False), (25, True)])
def test_what_is_half_written_goes_when_it_is_old(tmp_path, hours, goes):
    folder = tmp_path / ".key.host.1.partial"
    folder.mkdir()
    os.utime(folder, (time.time() - 3600 * hours,) * 2)
    assert stale([folder]) == ([folder] if goes else [])
