"""A replay in several processes of one machine: a base in each, on a GPU of its own where there are GPUs.

As on a cluster (`ray_executor.py`), a thread of the parent asks each of them; the parent alone reads data and
writes files, with the code of a replay in one process, so that the bytes are the same. A process that dies
ends the replay: what is answered stays, and the same command goes on.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cvit_bench.evaluate.remote_model import AbandonedError
from cvit_bench.evaluate.share_out import share_out
from cvit_bench.evaluate.worker import Outcome, Worker
from cvit_bench.models.family import Checkpoint, Model, Placement
from cvit_bench.progress import say

Part = TypeVar("Part")


def in_processes(
    parts: Sequence[Part],
    replay: Callable[[Part, Model], list[str]],
    base: Path,
    placement: Placement,
    count: int,
) -> list[str]:
    """Replay parts of the work, which write files of their own each; return the complaints of all."""
    posts = [_Post(base, placement, number) for number in range(min(count, len(parts)))]
    say(f"{len(parts)} parts in {len(posts)} processes")

    def stop() -> None:
        for post in posts:
            post.leave()

    return share_out(parts, replay, posts, stop)


class _Post:
    """One process and the pipe to it."""

    def __init__(self, base: Path, placement: Placement, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._number = number
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, base, own_place(placement, number)), daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, checkpoint: Checkpoint, name: str, given: tuple[Any, ...]) -> tuple[Outcome, Any]:
        """Have a method called with a checkpoint in place; the base is opened before the first answer."""
        try:
            self._pipe.send((checkpoint, name, given))
            found: tuple[Outcome, Any] = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(timeout=10)
            raise AbandonedError(
                f"process {self._number} of the replay ended (exit code {self._process.exitcode}); what is "
                "answered stays, and the same command goes on"
            ) from error
        return found

    def leave(self) -> None:
        """End the process; once more does no harm."""
        self._process.terminate()
        self._process.join(timeout=10)
        self._pipe.close()


def own_place(placement: Placement, number: int) -> Placement:
    """Return where the n-th process computes: on the n-th of the GPUs that this process sees."""
    if placement.device != "cuda":
        return placement
    return replace(placement, device=f"cuda:{number}")


def _serve(pipe: Any, base: Path, placement: Placement) -> None:
    """Answer questions until nobody asks any more."""
    worker = Worker(base, placement)
    problem = worker.open()
    try:
        while True:
            question = pipe.recv()
            pipe.send(("unfit", problem) if problem is not None else worker.ask(*question))
    except (EOFError, OSError, KeyboardInterrupt):
        pipe.close()
