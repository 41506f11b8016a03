"""Surroundings in which a command is called: what is set for it, and what must come of it."""

from __future__ import annotations

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
    """

    kind: str
    variables: dict[str, str] = field(default_factory=dict)
    limit: Callable[[], None] | None = None
    code: int = 0
    says: str = ""


def limited(what: int, most: int) -> Callable[[], None]:
    """Return what sets a limit of the system."""
    return lambda: resource.setrlimit(what, (most, most))


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
]  # fmt: skip
