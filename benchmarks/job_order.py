"""Work off a list of jobs, several at a time, each once what it needs is done."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

J = TypeVar("J")


def work_off(
    jobs: Sequence[J],
    needs: Callable[[J], Collection[J]],
    start: Callable[[J], "Future[Any]"],
    at_once: int,
) -> Iterator[tuple[J, "Future[Any]"]]:
    """Yield every job with its finished future.

    The earliest job of the list that can start does; one that failed is done too, and what to do about it
    is up to `start`, which is called when everything finished before has been yielded.
    """
    waiting, done = list(jobs), set[J]()
    running: dict[Future[Any], J] = {}
    while waiting or running:
        ready = [job for job in waiting if done.issuperset(needs(job))]
        if not (ready or running):
            raise ValueError(f"these jobs wait for each other, or for one that is not there: {waiting}")
        for job in ready[: at_once - len(running)]:
            waiting.remove(job)
            running[start(job)] = job
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            done.add(job)
            yield job, future
