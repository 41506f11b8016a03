"""MoELoRA as CoIN defines it: a mixture of LoRA with a dense softmax gate for every token.

Chen et al., 2024 (arXiv 2403.08350), E2 of its code `coinmoelora.py`:

    y_t = W x_t + s · Σ_n g_n(x_t) · B_n A_n x_t,   g(x) = softmax(R x),   s = α / total rank

The released code draws a dropout mask for each expert; here one mask serves all of them. It trains the
projector's own weights beside the experts.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from cvit_bench.adapters.core import (
    History,
    Place,
    RoutedUpdate,
    down,
    empty,
    expand,
    logits,
    record_mean,
    start_down,
    up,
)
from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.sites import AdapterConfig

TITLE = "MoELoRA"


class Config(AdapterConfig):
    """Settings; the defaults are those of CoIN's code."""

    PARTS: ClassVar = "num_experts"

    projector: Literal["adapt", "train", "frozen"] = "train"
    num_experts: int = Field(default=8, ge=1, description="each of rank/num_experts")


class Update(RoutedUpdate):
    """All experts in one layer: down [rank, d], up [o, rank], router [N, d]."""

    prefix_shareable = True
    tokenwise = True

    def __init__(self, place: Place, config: Config, history: History) -> None:
        super().__init__(place)
        self.config = config
        self.down = empty(config.rank, place.width_in)
        self.up = empty(place.width_out, config.rank)
        self.router = empty(config.num_experts, place.width_in)

    def start(self, routers: torch.Generator | None) -> None:
        """Initialise: A by `a_init`, B = 0, the router as nn.Linear does."""
        start_down(self.down, self.config.a_init)
        nn.init.zeros_(self.up)
        nn.init.kaiming_uniform_(self.router, a=5**0.5, generator=routers)

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return output + s · Σ_n g_n B_n A_n x."""
        config = self.config
        gates = logits(x, self.router).softmax(-1)
        record_mean(self, gates, routing)
        h = down(x, self.down, config.dropout, self.training)
        h = h * expand(gates * config.scale, config.part_rank).to(h.dtype)
        return up(output, h, self.up)
