"""How many prompts go together: a number, or as many as memory allows and as make it faster.

Answers do not depend on it, nor do their keys. What does not fit into memory halves it for all that follows.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cvit_bench.records.choices import AUTO, BatchChoice

FIRST, MOST = 8, 512
"""Where `auto` begins and ends."""
_TIMED = 2
"""Batches that are timed at each size, after a first one, which warms up."""
_WORTH = 1.05
"""Twice as many prompts at a time must be this much faster to stay."""


class BatchSize:
    """The size of the batches of one model, which learns from those that were answered."""

    def __init__(self, asked: BatchChoice) -> None:
        self._now = FIRST if asked == AUTO else int(asked)
        self._grows = asked == AUTO
        self._timed: list[tuple[int, float]] = []
        self._rate: float | None = None
        self._used = {self._now}

    @property
    def now(self) -> int:
        """The size of the batch that is cut next."""
        return self._now

    def used(self) -> tuple[int, ...]:
        """Return the sizes since this was last asked, ascending."""
        found = tuple(sorted(self._used))
        self._used = {self._now}
        return found

    def begin(self) -> None:
        """Begin with prompts of another kind: times are not compared with those before."""
        self._timed, self._rate = [], None

    @contextmanager
    def timing(self, count: int) -> Iterator[None]:
        """Time a batch of so many prompts."""
        began = time.monotonic()
        yield
        self.took(count, time.monotonic() - began)

    def took(self, count: int, seconds: float) -> None:
        """Take note of how long a batch took; those well below the size now say nothing about it."""
        if not self._grows or not self._now / 2 < count <= self._now:
            return
        self._timed.append((count, seconds))
        if len(self._timed) > _TIMED:
            self._grow()

    def too_many(self, count: int) -> None:
        """Take note that so many prompts did not fit into memory."""
        self._grows = False
        self._set(max(1, min(self._now, count // 2)))

    def _grow(self) -> None:
        """Double the size, or settle on half of it where that was as fast."""
        counts, seconds = zip(*self._timed[1:], strict=True)
        rate = sum(counts) / max(sum(seconds), 1e-9)
        if self._rate is not None and rate < _WORTH * self._rate:
            self._grows = False
            self._set(self._now // 2)
        elif self._now >= MOST:
            self._grows = False
        else:
            self._rate = rate
            self._set(2 * self._now)

    def _set(self, size: int) -> None:
        self._now, self._timed = size, []
        self._used.add(size)
