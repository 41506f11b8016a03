"""Standard input, output and error as a shell may leave them: closed, full, or read by nobody any more."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cvit_bench.errors import CvitBenchError


def open_standard_files() -> None:
    """See to it that no file of a run takes the number of a standard one, and that output has a sign for all.

    Where the locale has no sign for a character, another stands.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout is sys.__stdout__:
            sys.stdout = _Output(sys.stdout.detach(), sys.stdout.encoding, line_buffering=os.isatty(1))
        sys.stdout.reconfigure(errors="replace")


@contextmanager
def written_out() -> Iterator[None]:
    """Write all output out at the end, while what goes wrong can still be told."""
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


class _Output(io.TextIOWrapper):
    """Standard output that ends the command where it cannot be written."""

    def write(self, text: str) -> int:
        with _told():
            return super().write(text)

    def flush(self) -> None:
        with _told():
            super().flush()


@contextmanager
def _told() -> Iterator[None]:
    """End as a program does whose reader has gone (141), else with a message; nothing more is written."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(128 + signal.SIGPIPE) from error
        raise CvitBenchError(f"standard output cannot be written ({error.strerror})") from error
