"""Progress on stderr: a bar on a terminal, a line now and then in a log. Results never come here."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from cvit_bench.text import visible

_LINE_EVERY = 10.0
_lines_only = False
_silent = False


def say(message: str) -> None:
    """Print one line of progress."""
    if not _silent:
        tell(message)


def tell(message: str) -> None:
    """Print one line on stderr; where that is closed or full, the work goes on."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(visible(message), file=sys.stderr, flush=True)


def silence() -> None:
    """Print no progress in this process: another one tells about the same work."""
    global _silent  # noqa: PLW0603
    _silent = True


def plain() -> None:
    """Print lines in this process even on a terminal: several processes cannot share a bar."""
    global _lines_only  # noqa: PLW0603
    _lines_only = True


@dataclass
class Meter:
    """Counts samples of one piece of work and shows rate and remaining time.

    `waited` tells for how many seconds the work has waited for its inputs, since whenever; shown as a share.
    """

    label: str
    total: int
    done: int = 0
    skipped: int = 0
    note: str = ""
    began: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)
    bar: "Callable[[Meter], None] | None" = None
    waited: Callable[[], float] | None = None
    waited_before: float = 0.0

    def __post_init__(self) -> None:
        self.waited_before = self.waited() if self.waited is not None else 0.0

    def advance(self, count: int, note: str = "") -> None:
        """Count `count` more samples."""
        self.done += count
        self.note = note or self.note
        if self.bar is not None:
            self.bar(self)
        elif time.monotonic() - self.shown >= _LINE_EVERY:
            self.shown = time.monotonic()
            say(self.line())

    def skip(self, count: int) -> None:
        """Count `count` samples that were done before this call; they say nothing about the rate."""
        self.done += count
        self.skipped += count

    @property
    def rate(self) -> float:
        """Samples per second so far."""
        return (self.done - self.skipped) / max(time.monotonic() - self.began, 1e-9)

    @property
    def waits(self) -> str:
        """The share of the time so far in which inputs were waited for, in words."""
        if self.waited is None:
            return ""
        share = (self.waited() - self.waited_before) / max(time.monotonic() - self.began, 1e-9)
        return f" · {min(max(share, 0.0), 1.0):.0%} of the time waiting for inputs"

    def line(self) -> str:
        """Return the state as one line."""
        left = (self.total - self.done) / self.rate if self.rate else float("nan")
        note = f" · {self.note}" if self.note else ""
        eta = f" · {left:.0f} s left" if self.rate and self.done < self.total else ""
        return f"{self.label}: {self.done}/{self.total} · {self.rate:.1f} samples/s{eta}{self.waits}{note}"


@contextmanager
def metered(label: str, total: int, waited: Callable[[], float] | None = None) -> Iterator[Meter]:
    """Show the progress of a piece of work of `total` samples while the block runs."""
    if _silent or _lines_only or sys.stderr is None or not sys.stderr.isatty():
        meter = Meter(label, total, waited=waited)
        yield meter
        say(meter.line())
        return
    with _bar(label, total, waited) as meter:
        yield meter


@contextmanager
def _bar(label: str, total: int, waited: Callable[[], float] | None) -> Iterator[Meter]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        row = progress.add_task(visible(label), total=total, note="")

        def show(meter: Meter) -> None:
            note = f"{meter.rate:.1f} samples/s{meter.waits} {meter.note}"
            progress.update(row, completed=meter.done, note=note)

        yield Meter(label, total, bar=show, waited=waited)
