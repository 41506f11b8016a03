"""Times of work that is done in one go; work that was resumed has none."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from cvit_bench.records.files import write_text


class Clock:
    """Keeps the time of work that was done from its beginning, by default on the wall."""

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self.seconds: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
        self._now = now
        self._what, self._began = "", 0.0
        self._is_new = False

    def __call__(self, what: str, is_new: bool) -> "Clock":
        """Set what the next block does, and whether nothing of it was there before."""
        self._what, self._is_new = what, is_new
        return self

    def __enter__(self) -> None:
        self._began = self._now()

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._is_new and kind is None:
            self.seconds[self._what] = round(self._now() - self._began, 1)
            write_text(self._path, json.dumps(self.seconds) + "\n")
