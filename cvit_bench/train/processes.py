"""The processes of one training run: one alone, or those that torchrun started side by side.

Each has the whole adapter and an equal share of every batch. Gradients are averaged after the backward pass
in one flat buffer: an adapter is small, part of it may be unused in a pass, and its base may be sharded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from cvit_bench.errors import CvitBenchError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """How many there are and which one this is."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, batch: Sequence[T]) -> list[T]:
        """Return this process's part of a batch; raise when it cannot be cut into equal parts."""
        if len(batch) % self.count:
            raise CvitBenchError(
                f"training.batch_size: {len(batch)} samples cannot be shared by {self.count} processes"
            )
        return list(batch[self.rank :: self.count])

    def average_gradients(self, weights: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes; a weight that one did not use counts 0."""
        if self.count == 1:
            return
        weights = list(weights)
        if not weights:
            return
        parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        flat = torch.cat([part.reshape(-1).float() for part in parts])
        torch.distributed.all_reduce(flat)
        flat /= self.count
        sizes = [weight.numel() for weight in weights]
        for weight, part in zip(weights, torch.split(flat, sizes), strict=True):
            weight.grad = part.view_as(weight).to(weight.dtype)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over the processes."""
        if self.count > 1:
            values = values.clone()
            torch.distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            torch.distributed.barrier()


def join_processes(device: str) -> tuple[Processes, str]:
    """Return the processes that this one belongs to, and the device it computes on.

    Under torchrun they find each other through accelerate: nccl on CUDA, gloo on CPU.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(), device
    from accelerate import PartialState

    state = PartialState(cpu=device.startswith("cpu"))
    if state.num_processes == 1:
        return Processes(), device
    return Processes(state.process_index, state.num_processes), str(state.device)
