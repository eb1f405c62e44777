import io

import pytest

from ligature import progress as progress_module
from ligature.progress import Progress, duration, say, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """Returns a clock that the test moves."""

    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


def test_lines_come_at_most_every_so_many_seconds_and_once_at_the_end(clock):
    stream = io.StringIO()
    with Progress("embed", 40, "images", every=5, stream=stream) as progress:
        for _ in range(4):
            clock.now += 3
            progress.update(10)
    assert stream.getvalue().splitlines() == [
        "embed: 20/40 images, 3.33/s, ETA 6 s",
        "embed: 40/40 images, 3.33/s, ETA 0 s",
        "embed: 40/40 images, 3.33/s, ETA 0 s",
    ]


def test_what_an_earlier_run_did_counts_as_progress_but_not_as_rate(clock):
    progress = Progress("embed", 1_000, "images", done=600, stream=io.StringIO())
    clock.now += 10
    progress.update(200)
    assert progress.line() == "embed: 800/1,000 images, 20/s, ETA 10 s"


def test_without_a_total_there_is_no_eta(clock):
    progress = Progress("read", None, "rows", stream=io.StringIO())
    clock.now += 2
    progress.update(1_000_000)
    assert progress.line() == "read: 1,000,000 rows, 500,000/s"


def test_nothing_done_yet_has_no_eta(clock):
    progress = Progress("read", 5, stream=io.StringIO())
    clock.now += 2
    assert progress.line() == "read: 0/5 items, 0.00/s"


def test_the_last_note_stays_until_there_is_another(clock):
    progress = Progress("train", 4, "steps", stream=io.StringIO())
    clock.now += 1
    progress.update(note="loss 2.0")
    progress.update()
    assert progress.line() == "train: 2/4 steps, 2.00/s, ETA 1 s, loss 2.0"
    progress.update(note="loss 1.0")
    assert progress.line().endswith(", loss 1.0")


def test_a_terminal_shows_a_bar_with_name_unit_and_note():
    stream = Terminal()
    with Progress("embed", 4, "images", done=1, stream=stream) as progress:
        for _ in range(3):
            progress.update(note="loss 2.0")
    assert "embed: 100%" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    assert "images" in stream.getvalue()
    assert "\r" in stream.getvalue()


def test_the_display_is_closed_when_the_work_fails(clock):
    stream = io.StringIO()

    def failing_work():
        with Progress("embed", 4, stream=stream) as progress:
            clock.now += 1
            progress.update()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        failing_work()
    assert stream.getvalue() == "embed: 1/4 items, 1.00/s, ETA 3 s\n"


def test_track_yields_the_items_and_counts_them(capsys):
    assert list(track(["a", "b", "c"], "read", unit="rows")) == ["a", "b", "c"]
    assert capsys.readouterr().err.startswith("read: 3/3 rows, ")


def test_track_of_a_generator_takes_its_total_from_the_caller(capsys):
    assert list(track((n for n in range(3)), "read")) == [0, 1, 2]
    assert list(track((n for n in range(3)), "read", total=3)) == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("read: 3 items, ")
    assert lines[1].startswith("read: 3/3 items, ")


def test_an_item_counts_when_its_work_is_done(capsys):
    items = track(["a", "b"], "read")
    next(items)
    items.close()
    assert capsys.readouterr().err.startswith("read: 0/2 items, ")


def test_messages_go_to_standard_error(capsys):
    say("resuming at row 8")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "resuming at row 8\n")


def test_duration_grows_with_its_unit():
    shown = [duration(seconds) for seconds in (0.4, 45, 99.4, 100, 725, 5900, 12000)]
    assert shown == ["0 s", "45 s", "99 s", "2 min", "12 min", "98 min", "3 h 20 min"]
