"""Progress on a terminal and in a log: names stand as they are, and none of them commands the terminal."""

import io
import sys

import pytest

from cvit_bench.progress import Meter, metered


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_names_are_shown_as_they_are(monkeypatch, kind):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", kind())
    with metered("runs/[red] a\x1b]0;b", 2) as meter:
        meter.advance(2, "loss [/1] [b]")
    shown = sys.stderr.getvalue()
    assert "runs/[red] a\N{REPLACEMENT CHARACTER}]0;b" in shown
    assert "loss [/1] [b]" in shown
    assert "2/2" in shown


def test_what_was_done_before_says_nothing_about_the_rate():
    meter = Meter("x", 100)
    meter.skip(90)
    assert meter.rate == 0.0
    assert "90/100 · 0.0 samples/s" in meter.line()
    meter.began -= 2.0
    meter.advance(4)
    assert meter.rate == pytest.approx(2.0, rel=0.1)
    assert meter.line().startswith("x: 94/100 · 2.0 samples/s · 3 s left")


def test_the_share_of_waiting_counts_from_the_beginning():
    seconds = iter([5.0, 6.0])
    meter = Meter("x", 10, waited=lambda: next(seconds))
    meter.began -= 4.0
    assert meter.waits == " · 25% of the time waiting for inputs"
