"""A linear layer tuned in full, kept as a difference: y = (W + ΔW) x + (b + Δb), both 0 at the start.

So the projector trains in CoIN's MoELoRA and in BranchLoRA, whose parameter counts include it. One difference
for all tasks, or one for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import linear

from cvit_bench.adapters.core import Place, RoutedUpdate, empty, per_position
from cvit_bench.adapters.routing import Routing


class Difference(nn.Module):
    """ΔW [o, d] and Δb [o], the latter where the layer has a bias."""

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.weight = empty(place.width_out, place.width_in)
        self.bias = empty(place.width_out) if place.has_bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ΔW x + Δb."""
        x = x if torch.is_autocast_enabled(x.device.type) else x.to(self.weight.dtype)
        return linear(x, self.weight, self.bias)


class DenseUpdate(RoutedUpdate):
    """One difference shared by all tasks, or with `num_tasks` one for each."""

    prefix_shareable = True

    differences: Sequence[Difference]

    def __init__(self, place: Place, num_tasks: int | None = None) -> None:
        super().__init__(place)
        self.per_task = num_tasks is not None
        self.tokenwise = not self.per_task
        differences = [Difference(place) for _ in range(num_tasks or 1)]
        self.differences = nn.ModuleList(differences)  # type: ignore[assignment]
        self._first_open = 0

    def start(self, routers: torch.Generator | None) -> None:
        """Set all differences to zero."""
        for weight in self.parameters():
            nn.init.zeros_(weight)

    def begin(self, num_tasks_before: int) -> None:
        """Leave the differences of earlier tasks alone."""
        self._first_open = num_tasks_before if self.per_task else 0

    def keep_fixed(self) -> None:
        """Take gradients from the differences of earlier tasks."""
        for number, difference in enumerate(self.differences):
            difference.requires_grad_(number >= self._first_open)

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return output plus the difference of each sample's task."""
        if not self.per_task:
            return output + self.differences[0](x).to(output.dtype)
        tasks = routing.task_rows()
        tasks = per_position(tasks.unsqueeze(1), x, routing, self.modality).squeeze(-1).expand(x.shape[:-1])
        added = torch.zeros_like(output)
        for task in torch.unique(tasks).tolist():
            at = tasks == task
            added = added.masked_scatter(at.unsqueeze(-1), self.differences[task](x[at]).to(output.dtype))
        return output + added
