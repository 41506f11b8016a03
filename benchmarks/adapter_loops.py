"""The literal forms of the routed layers: one expert after another, as released codes run them.

Each takes copies of a fused layer's weights and its routing, and runs every expert to the full width of the
output, times its gate.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import dropout, linear, one_hot

from cvit_bench.adapters.peft_bridge import RoutedLinear

EXPERTS = 8


class Loop(nn.Module):
    """Base and experts; a subclass runs them one by one. The weights are copies of the fused layer's."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__()
        self.update, self.routing = [fused.routed["default"]], fused.routing
        self.base, self.config = fused.base_layer, self.update[0].config
        self.downs, self.ups = nn.ParameterList(), nn.ParameterList()

    def take(self, downs: Sequence[torch.Tensor], ups: Sequence[torch.Tensor]) -> None:
        """Copy A's and B's; one A may serve all."""
        self.downs.extend(nn.Parameter(weight.detach().clone()) for weight in downs)
        self.ups.extend(nn.Parameter(weight.detach().clone()) for weight in ups)

    def down(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Return A_n x, with a dropout mask of its own."""
        weight = self.downs[number % len(self.downs)]
        x = x if torch.is_autocast_enabled(x.device.type) else x.to(weight.dtype)
        return linear(dropout(x, self.config.dropout, self.training), weight)

    def up(self, number: int, h: torch.Tensor) -> torch.Tensor:
        """Return s · B_n h, as wide as the output."""
        return linear(h, self.ups[number]) * self.config.scale


class TokenLoop(Loop):
    """MoELoRA and HydraLoRA: every expert for every token, times its gate; A is applied anew for each."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__(fused)
        update = self.update[0]
        rank = self.config.rank // EXPERTS
        self.take(update.down.split(rank), update.up.split(rank, 1))
        self.router = nn.Parameter(update.router.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = linear(x.to(self.router.dtype), self.router).softmax(-1)
        output = self.base(x)
        for number in range(EXPERTS):
            output = output + gates[..., number, None] * self.up(number, self.down(number, x))
        return output


class SampleLoop(Loop):
    """BranchLoRA: A once, then every branch, times a gate that is zero for all but the chosen ones."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__(fused)
        update = self.update[0]
        self.take([update.down], [branch.up for branch in update.branches])
        self.routers = nn.ParameterList(task.router.detach().clone() for task in update.tasks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = self.gates(x)
        h = self.down(0, x)
        output = self.base(x)
        for number in range(EXPERTS):
            output = output + gates[:, number, None, None] * self.up(number, h)
        return output

    def gates(self, x: torch.Tensor) -> torch.Tensor:
        """Return w [B, N] by the router of each sample's task, at its first token; kept while decoding."""
        if not self.routing.decoding:
            routers = torch.stack(list(self.routers))[self.routing.tasks]
            share = torch.einsum("bnd,bd->bn", routers, x[:, 0].to(routers.dtype)).softmax(-1)
            chosen = share.topk(self.config.top_k, -1).indices
            self.kept = share * torch.zeros_like(share).scatter(-1, chosen, 1.0)
        return self.kept


class FusedLoop(Loop):
    """SMoLoRA: all blocks, times 0 or 1, summed in two groups; fusion looks at the two outputs."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__(fused)
        update = self.update[0]
        rank = self.config.rank // EXPERTS
        self.take(update.down.split(rank), update.up.split(rank, 1))
        self.importance = nn.Parameter(update.fusion.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = torch.cat([self.route(self.mean(x), "vu"), self.route(self.routing.instructions, "if")], 1)
        groups = []
        for first in (0, EXPERTS // 2):
            total = None
            for number in range(first, first + EXPERTS // 2):
                part = gates[:, number, None, None] * self.up(number, self.down(number, x))
                total = part if total is None else total + part
            groups.append(total)
        scores = [linear(group, row[None]) for group, row in zip(groups, self.importance, strict=True)]
        alpha, beta = torch.cat(scores, -1).softmax(-1).split(1, -1)
        return self.base(x) + alpha * groups[0] + beta * groups[1]

    def mean(self, x: torch.Tensor) -> torch.Tensor:
        if not self.routing.ragged:
            return x.float().mean(1)
        real = self.routing.real.unsqueeze(-1)
        return (x.float() * real).sum(1) / real.sum(1)

    def route(self, x: torch.Tensor, group: str) -> torch.Tensor:
        router = getattr(self.update[0], f"{group}_router")
        with torch.autocast(x.device.type, enabled=False):
            return one_hot(linear(x.float(), router).argmax(-1), len(router)).float()


LOOPS = {"smolora": FusedLoop, "branchlora": SampleLoop, "moelora": TokenLoop, "hydralora": TokenLoop}
