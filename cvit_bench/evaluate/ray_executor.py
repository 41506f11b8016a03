"""A replay on a Ray cluster: a base in every actor, a thread of the driver for each of them.

The driver is the only one that reads data and writes files, with the very code of a replay in one process, so
that the bytes are the same. A question to a worker that died is asked again of another one. Workers read base
and checkpoints themselves: these must be found under the same path on every node.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.remote_model import AbandonedError
from cvit_bench.evaluate.share_out import share_out
from cvit_bench.evaluate.worker import Outcome, Worker
from cvit_bench.models.family import Checkpoint, Model, Placement
from cvit_bench.progress import say
from cvit_bench.text import first_line

MAX_LOSSES = 3
"""How many workers one question may kill before it is held to be what kills them."""
PATIENCE = 300.0
"""Seconds in which a worker must have been found room for and have opened its base, or another be at work."""
Part = TypeVar("Part")


def on_ray(
    parts: Sequence[Part],
    replay: Callable[[Part, Model], list[str]],
    base: Path,
    placement: Placement,
    address: str | None,
) -> list[str]:
    """Replay parts of the work, which write files of their own each; return the complaints of all.

    `address` is that of a cluster; without one a cluster is made on this machine.
    """
    with _connected(address) as ray:
        crew = _Crew(ray, base, placement)
        posts = [_Post(crew) for _ in range(min(crew.room(), len(parts)))]
        say(f"Ray: {len(parts)} parts on {len(posts)} workers")
        return share_out(parts, replay, posts, crew.stop)


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Connect to a cluster, or make one on this machine; one that was connected before stays so."""
    try:
        import ray
    except ImportError as error:
        raise CvitBenchError(
            "--executor ray: Ray is not installed here: pip install cvit-bench[ray]"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    more: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
    try:
        _knock(address)
        ray.init(log_to_driver=False, logging_level="ERROR", **more)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        where = f"--ray-address {address}" if address else "--executor ray"
        raise CvitBenchError(f"{where}: no Ray cluster to be had ({first_line(error)})") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str | None) -> None:
    """Raise at once where nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


class _Crew:
    """The workers of one replay."""

    def __init__(self, ray: Any, base: Path, placement: Placement) -> None:
        self.ray = ray
        self.stopped = False
        self.at_work = 0
        self._base, self._placement = base, placement
        self._on_gpu = placement.device.startswith("cuda")
        self._workers: set[Any] = set()
        self._lock = threading.Lock()

    def room(self) -> int:
        """Return how many workers the cluster has room for."""
        name, share = ("GPU", 1) if self._on_gpu else ("CPU", self._placement.threads)
        found = int(self.ray.cluster_resources().get(name, 0) // share)
        if not found:
            raise CvitBenchError(f"--executor ray: the cluster has no room for a worker ({share} {name})")
        return found

    def hire(self) -> Any:
        """Start a worker and wait until it has opened the base; others go on meanwhile."""
        needs = {"num_gpus": 1, "num_cpus": 0} if self._on_gpu else {"num_cpus": self._placement.threads}
        worker = self.ray.remote(**needs, max_restarts=0)(Worker).remote(self._base, self._placement)
        with self._lock:
            self._workers.add(worker)
        opening = worker.open.remote()
        while not self.ray.wait([opening], timeout=PATIENCE)[0]:
            if self.stopped or not self.at_work:
                raise AbandonedError(
                    f"--executor ray: no room for a worker in {PATIENCE:.0f} s; what is answered stays, "
                    "and the same command goes on"
                )
        problem = self.ray.get(opening)
        if problem is not None:
            raise AbandonedError(problem)
        self.count(1)
        return worker

    def count(self, change: int) -> None:
        """Count workers that are at work."""
        with self._lock:
            self.at_work += change

    def stop(self) -> None:
        """End all workers."""
        self.stopped = True
        with self._lock:
            for worker in self._workers:
                self.ray.kill(worker)
            self._workers.clear()


class _Post:
    """Carries the questions of one thread to its worker, and to another one when that died."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self._worker: Any = None

    def ask(self, checkpoint: Checkpoint, name: str, given: tuple[Any, ...]) -> tuple[Outcome, Any]:
        """Return the outcome of a question; one that keeps killing workers has failed."""
        ray = self._crew.ray
        for _ in range(MAX_LOSSES):
            try:
                if self._worker is None:
                    self._worker = self._crew.hire()
                found: tuple[Outcome, Any] = ray.get(self._worker.ask.remote(checkpoint, name, given))
                return found
            except ray.exceptions.RayError as error:
                if self._crew.stopped:
                    raise AbandonedError("another part of the work failed") from error
                say(f"Ray: a worker was lost ({type(error).__name__}); what it was asked is asked again")
                self.leave()
        return "failed", f"{MAX_LOSSES} Ray workers died over it"

    def leave(self) -> None:
        """Let the worker go, if there is one."""
        if self._worker is not None:
            self._crew.count(-1)
            self._crew.ray.kill(self._worker)
        self._worker = None
