"""What BranchLoRA's layers are made of: branches, a router for each task, and how often samples took which.

Legend: B samples, N branches, T tasks; d and o are the widths of the adapted linear layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from cvit_bench.adapters.core import Modality, empty, pooled, summed
from cvit_bench.adapters.routing import Routing


class Branch(nn.Module):
    """B_n, [o, rank of A], and whether it is frozen."""

    up: nn.Parameter
    frozen: torch.Tensor

    def __init__(self, width_out: int, rank: int) -> None:
        super().__init__()
        self.up = empty(width_out, rank)
        self.register_buffer("frozen", torch.tensor(False))


class TaskRouter(nn.Module):
    """R_t, [N, d], with what the task's last training said about the branches: counts and gate mass, [N].

    `closed` are branches that this router never takes.
    """

    router: nn.Parameter
    counts: torch.Tensor
    mass: torch.Tensor
    closed: torch.Tensor

    def __init__(self, num_branches: int, width_in: int) -> None:
        super().__init__()
        self.router = empty(num_branches, width_in)
        self.register_buffer("counts", torch.zeros(num_branches, dtype=torch.long))
        self.register_buffer("mass", torch.zeros(num_branches, dtype=torch.float64))
        self.register_buffer("closed", torch.zeros(num_branches, dtype=torch.bool))


class StageUsage:
    """How often the samples of each task took each branch of a layer since the stage began."""

    def __init__(self) -> None:
        self._sums: torch.Tensor | None = None

    def begin(self) -> None:
        """Forget what was counted."""
        self._sums = None

    def running_state(self) -> dict[str, torch.Tensor]:
        """Return the sums so far, float64 [2, T, N]: counts and gate mass."""
        return {} if self._sums is None else {"usage": self._sums}

    def resume_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from such sums."""
        self._sums = state.get("usage")

    def add(self, used: torch.Tensor, mass: torch.Tensor, tasks: torch.Tensor, num_tasks: int) -> None:
        """Count selections and gate mass [B, N] of samples for their tasks, long [B]."""
        both = torch.stack([used.detach(), mass.detach()]).double()
        sums = both.new_zeros(2, num_tasks, both.shape[-1]).index_add(1, tasks, both)
        self._sums = sums if self._sums is None else self._sums + sums

    def settle(self, tasks: Sequence[TaskRouter], first_open: int) -> None:
        """Add what was counted, in all processes, to the routers from number `first_open` on."""
        for number in range(first_open, len(tasks)):
            task = tasks[number]
            counts, mass = torch.zeros_like(task.counts), torch.zeros_like(task.mass)
            if self._sums is not None:
                used, weight = self._sums[:, number, : len(counts)]
                counts, mass = used.long(), weight.clone()
            if torch.distributed.is_available() and torch.distributed.is_initialized():
                torch.distributed.all_reduce(counts)
                torch.distributed.all_reduce(mass)
            task.counts += counts
            task.mass += mass
        self._sums = None


def by_sample(
    gates: torch.Tensor, routing: Routing, modality: Modality, by_token: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each sample's mean gates and how often it took each branch, [B, N], from gates [..., N].

    A layer of the projector has nothing to say about samples without a picture: zero.
    """
    mass, used = gates, (gates > 0).float()
    if by_token:
        mass, used = pooled(gates, routing, modality), summed(used, routing, modality)
    if modality == "text":
        return mass, used
    sees = routing.with_picture.unsqueeze(-1)
    return mass * sees, used * sees


def up_each(output: torch.Tensor, h: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return output + h·Bᵀ with a B of its own for each sample: h [B, L, r], weights [B, o, r]."""
    if h.dtype != output.dtype or torch.is_autocast_enabled(h.device.type):
        return output + torch.bmm(h, weights.transpose(1, 2)).to(output.dtype)
    return torch.baddbmm(output, h, weights.transpose(1, 2))


def padded(values: torch.Tensor, length: int, fill: float | bool) -> torch.Tensor:
    """Return `values` with more rows, up to `length`, so that earlier tasks fit branches that came later."""
    missing = length - len(values)
    if not missing:
        return values
    return torch.cat([values, values.new_full((missing, *values.shape[1:]), fill)])


def open_branches(state: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Return how many branches of each layer of a saved adapter are not frozen."""
    found: dict[str, int] = {}
    for key, value in state.items():
        layer, dot, rest = key.partition(".branches.")
        if dot and rest.endswith(".frozen"):
            found[layer] = found.get(layer, 0) + int(not bool(value))
    return found
