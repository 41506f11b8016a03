"""HydraLoRA: one shared A, many B heads, a dense softmax gate for every token.

Tian et al., 2024 (arXiv 2404.19245):

    y_t = W x_t + s · Σ_i ω_i(x_t) · B_i A x_t,   ω(x) = softmax(R x),   s = α / total rank

Meant for one mixed training; tuned here on task after task like the others. The released code applies
A anew for each head.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from cvit_bench.adapters.core import (
    History,
    Place,
    RoutedUpdate,
    down,
    empty,
    logits,
    record_mean,
    start_down,
    up,
)
from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.sites import AdapterConfig

TITLE = "HydraLoRA"


class Config(AdapterConfig):
    """Settings; the shared A and each head have rank/num_heads, as in the other mixtures."""

    PARTS: ClassVar = "num_heads"

    num_heads: int = Field(default=8, ge=1)


class Update(RoutedUpdate):
    """One A and all heads in one layer: down [rank/heads, d], up [o, rank], router [heads, d]."""

    prefix_shareable = True
    tokenwise = True

    def __init__(self, place: Place, config: Config, history: History) -> None:
        super().__init__(place)
        self.config = config
        self.down = empty(config.part_rank, place.width_in)
        self.up = empty(place.width_out, config.rank)
        self.router = empty(config.num_heads, place.width_in)

    def start(self, routers: torch.Generator | None) -> None:
        """Initialise: A by `a_init`, all B = 0, the router as nn.Linear does."""
        start_down(self.down, self.config.a_init)
        nn.init.zeros_(self.up)
        nn.init.kaiming_uniform_(self.router, a=5**0.5, generator=routers)

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return output + s · Σ_i ω_i B_i A x."""
        gates = logits(x, self.router).softmax(-1)
        record_mean(self, gates, routing)
        h = down(x, self.down, self.config.dropout, self.training)
        h = (gates * self.config.scale).to(h.dtype).unsqueeze(-1) * h.unsqueeze(-2)
        return up(output, h.flatten(-2), self.up)
