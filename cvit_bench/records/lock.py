"""One runner a run directory: who is at work there holds a lock, and others are told who.

The lock is the operating system's (`flock`) and ends with the process that holds it, however that ends:
what a dead process left behind is taken over. Where there is no `flock`, nothing is locked.
"""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record
from cvit_bench.records.files import appending

LOCK = ".lock"


class Holder(Record):
    """Who is at work in a run directory."""

    doing: str
    pid: int
    host: str
    since: str


@contextmanager
def at_work(run_dir: Path, doing: str) -> Iterator[None]:
    """Hold a run directory, made if need be, while the block runs.

    Raises CvitBenchError when another process holds it.
    """
    path = run_dir / LOCK
    with _said_of(path):
        run_dir.mkdir(parents=True, exist_ok=True)
        stream = appending(path)
    with stream:
        if not _locked(stream):
            raise CvitBenchError(f"{run_dir}: {_whose(path)}; wait until it is done, or stop it")
        with _said_of(path):
            _sign(stream, doing)
        yield
        stream.truncate(0)


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Say of a file that it cannot be written, where that is so."""
    try:
        yield
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be written ({error.strerror})") from error


def _locked(stream: BinaryIO) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _sign(stream: BinaryIO, doing: str) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    holder = Holder(doing=doing, pid=os.getpid(), host=platform.node(), since=since)
    stream.truncate(0)
    os.write(stream.fileno(), holder.model_dump_json().encode("utf-8"))


def _whose(path: Path) -> str:
    try:
        holder = Holder.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, ValueError):
        return "another process is at work here"
    return f"`{holder.doing}` is at work here (process {holder.pid} on {holder.host}, since {holder.since})"
