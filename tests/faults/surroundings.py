"""Surroundings in which a command is called: what is set for it, and what must come of it."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Surroundings:
    """One kind.

    Attributes:
        kind: what is unusual, in words.
        variables: of the environment.
        limit: called in the new process before it begins.
        code: the exit status.
        says: what is said, in part.
        whole: whether the results are there whatever the exit status.
    """

    kind: str
    variables: dict[str, str] = field(default_factory=dict)
    limit: Callable[[], None] | None = None
    code: int = 0
    says: str = ""
    whole: bool = False


def limited(what: int, most: int) -> Callable[[], None]:
    """Return what sets a limit of the system."""
    return lambda: resource.setrlimit(what, (most, most))


def onto(number: int, place: str) -> Callable[[], None]:
    """Return what sends a standard file somewhere."""
    return lambda: void(os.dup2(os.open(place, os.O_WRONLY), number))


def closed(number: int) -> Callable[[], None]:
    """Return what closes a standard file."""
    return lambda: os.close(number)


def unread() -> None:
    """Send output to a pipe whose reader has gone."""
    reads, writes = os.pipe()
    os.close(reads)
    os.dup2(writes, 1)


def void(_: object) -> None:
    """Drop a value."""


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SURROUNDINGS = [
    Surroundings("a locale of ASCII alone", ASCII),
    Surroundings("a Latin-1 terminal", {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}),
    Surroundings("a Turkish locale", {"LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr"}),
    Surroundings("a locale that is not installed", {"LC_ALL": "xx_XX.KOI8-R"}),
    Surroundings("fourteen hours east", {"TZ": "Pacific/Kiritimati"}),
    Surroundings("a time zone that there is not", {"TZ": "Nowhere/None"}),
    Surroundings("another order of sets", {"PYTHONHASHSEED": "4242"}),
    Surroundings("no home folder", {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}),
    Surroundings("forty open files at most", limit=limited(resource.RLIMIT_NOFILE, 40)),
    Surroundings("files of 2,000 bytes at most", limit=limited(resource.RLIMIT_FSIZE, 2000), code=2,
                 says="File too large"),
    Surroundings("output to a full disk", limit=onto(1, "/dev/full"), code=2, whole=True,
                 says="standard output cannot be written (No space left on device)"),
    Surroundings("output that nobody reads any more", limit=unread, code=141, whole=True),
    Surroundings("no output", limit=closed(1)),
    Surroundings("progress to a full disk", limit=onto(2, "/dev/full")),
    Surroundings("no place for progress", limit=closed(2)),
]  # fmt: skip
