"""SMoLoRA: two mixtures of LoRA, one routed by what is seen, one by the instruction, fused token by token.

Wang et al., 2025 (arXiv 2411.13949). With the letters of the paper, for one adapted linear layer W:

    E_e(x)     = s · B_e A_e x                       experts e, the first half of group VU, the others of IF
    U_t        = Σ_{e in VU} g_vu[e] · E_e(x_t)      g_vu = top-k softmax of R_vu · mean_t(x_t)
    F_t        = Σ_{e in IF} g_if[e] · E_e(x_t)      g_if = top-k softmax of R_if · q,  q: its embedding
    [α_t, β_t] = softmax(w_vu·U_t, w_if·F_t)
    y_t        = W x_t + α_t U_t + β_t F_t

The fusion scores are linear in the experts' output and taken in rank space: w·U_t = (wᵀB)·(g ∘ A x_t).
The two groups are never built apart. With k = 1 the gate is the constant 1 and the routers never learn, in
the paper as in its released code: they are frozen random projections. `router_grad` has ways to learn them.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import nn
from typing_extensions import Self

from cvit_bench.adapters.core import (
    History,
    Place,
    RoutedUpdate,
    down,
    empty,
    expand,
    logits,
    per_position,
    pooled,
    start_down,
    top_k_gates,
    up,
)
from cvit_bench.adapters.routing import Routing, Where
from cvit_bench.adapters.sites import AdapterConfig
from cvit_bench.resources import INSTRUCTION_WIDTH

TITLE = "SMoLoRA"

POOLED_OVER: dict[str, Where] = {"sequence": "real", "prompt_only": "prompt", "visual": "seen"}


class Config(AdapterConfig):
    """Settings; the defaults are those of paper and released code (feed-forward layers and projector)."""

    PARTS: ClassVar = "num_experts"

    sites: Literal["all", "attention", "feed_forward"] = "feed_forward"
    num_experts: int = Field(
        default=8, ge=2, description="blocks of both groups together, each rank/num_experts"
    )
    top_k: int = Field(default=1, ge=1, description="blocks kept of each group")
    router_grad: Literal["none", "softmax_weight", "straight_through"] = "none"
    router_seed: int = Field(
        default=0, ge=0, description="of the routers alone; a hidden parameter otherwise"
    )
    vu_pooling: Literal["sequence", "prompt_only", "visual"] = "sequence"
    decode_route: Literal["per_token", "cached"] = "per_token"
    instruction_key: Literal["per_sample", "family_mean", "task_row"] = "per_sample"
    fusion: Literal["adaptive", "sum", "mean"] = "adaptive"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.num_experts % 2:
            raise ValueError(f"num_experts: {self.num_experts} must be even: half of them are of each group")
        if self.top_k > self.num_experts // 2:
            raise ValueError(f"top_k: {self.top_k} of {self.num_experts // 2} blocks a group")
        if self.vu_pooling == "prompt_only" and self.decode_route == "per_token":
            raise ValueError(
                "vu_pooling: prompt_only needs decode_route: cached; an answer token is no prompt"
            )
        return self


class Update(RoutedUpdate):
    """Both groups in one layer.

    Attributes:
        down: A_1 … A_N, [rank, d]. up: B_1 … B_N, [o, rank].
        vu_router: [N/2, d]; if_router: [N/2, 384]. Buffers where they do not learn.
        fusion: w_vu and w_if, [2, o].
    """

    prefix_shareable = True

    vu_router: torch.Tensor
    if_router: torch.Tensor

    def __init__(self, place: Place, config: Config, history: History) -> None:
        super().__init__(place)
        self.config = config
        self.group = config.num_experts // 2
        self.down = empty(config.rank, place.width_in)
        self.up = empty(place.width_out, config.rank)
        self.fusion = empty(2, place.width_out)
        self._add_router("vu_router", place.width_in)
        self._add_router("if_router", INSTRUCTION_WIDTH)

    def _add_router(self, name: str, width: int) -> None:
        router = torch.empty(self.group, width, dtype=torch.float32)
        if self.config.router_grad == "none":
            self.register_buffer(name, router)
        else:
            self.register_parameter(name, nn.Parameter(router))

    def start(self, routers: torch.Generator | None) -> None:
        """Initialise: A by `a_init`, B = 0; routers, by a seed of their own, and fusion as nn.Linear does."""
        start_down(self.down, self.config.a_init)
        nn.init.zeros_(self.up)
        nn.init.kaiming_uniform_(self.fusion, a=5**0.5)
        for router in (self.vu_router, self.if_router):
            nn.init.kaiming_uniform_(router, a=5**0.5, generator=routers)

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return output + α U + β F."""
        spread = self._gates_at(x, routing)
        h = self._down(x)
        h = h * expand(spread * self.config.scale, self.config.part_rank).to(h.dtype)
        h = h.view(*h.shape[:-1], 2, -1)
        h = h * self._fused(h, routing).unsqueeze(-1)
        return up(output, h.flatten(-2), self.up)

    def _gates_at(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return [g_vu, g_if] in a shape that multiplies [..., N] of every position of x."""
        seen, asked = self._vu_gates(x, routing), self._if_gates(routing)
        if seen.ndim == asked.ndim:
            return per_position(torch.cat([seen, asked], -1), x, routing, self.modality)
        return torch.cat([seen, asked.unsqueeze(1).expand(-1, seen.shape[1], -1)], -1)

    def _down(self, x: torch.Tensor) -> torch.Tensor:
        """Return A x [..., rank]; each group drops inputs of its own."""
        share = self.config.dropout if self.training else 0.0
        if not share:
            return down(x, self.down, 0.0, False)
        return torch.cat([down(x, half, share, True) for half in self.down.chunk(2)], -1)

    def _fused(self, h: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return [α, β], [..., 2], of gated h [..., 2, rank/2]."""
        if self.config.fusion != "adaptive":
            return torch.full_like(h[..., 0], 1.0 if self.config.fusion == "sum" else 0.5)
        weights_of = (self.fusion, self.up)
        importance = self.made_of("importance", weights_of, routing, self._importance)
        weights = (h * importance.to(h.dtype)).sum(-1, dtype=torch.float32).softmax(-1)
        if routing.recorder is not None and not routing.decoding:
            mean = pooled(weights[..., :1], routing, self.modality)
            routing.recorder.record(self.layer, "alpha", mean[:, 0])
        return weights.to(h.dtype)

    def _importance(self) -> torch.Tensor:
        """Return wᵀB of each group, [2, rank/2]."""
        return torch.einsum("go,ogr->gr", self.fusion, self.up.view(len(self.up), 2, -1))

    def _vu_gates(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return g_vu [B, N/2]; while decoding that of the prompt (`cached`) or each token's, [B, L, N/2]."""
        place = (self.layer, "vu")
        if self.config.decode_route == "cached" and routing.decoding and place in routing.kept:
            return routing.kept[place]
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.config.router_grad != "none"):
            if routing.decoding and self.modality == "text":
                return self._gates(logits(x, self.vu_router))
            mean = pooled(x, routing, self.modality, POOLED_OVER[self.config.vu_pooling])
            scores = logits(mean, self.vu_router)
            gates = self._gates(scores)
        if not routing.decoding:
            routing.kept[place] = gates
            self._record(routing, "vu", scores)
        return gates

    def _if_gates(self, routing: Routing) -> torch.Tensor:
        """Return g_if [B, N/2], that of the prompt while decoding."""
        place = (self.layer, "if")
        if routing.decoding and place in routing.kept:
            return routing.kept[place]
        scores = logits(routing.instruction_rows(), self.if_router)
        self._record(routing, "if", scores)
        routing.kept[place] = self._gates(scores)
        return routing.kept[place]

    def _gates(self, scores: torch.Tensor) -> torch.Tensor:
        if self.config.router_grad == "softmax_weight":
            return top_k_gates(scores, self.config.top_k, "mask")
        gates = top_k_gates(scores, self.config.top_k, "renorm")
        if self.config.router_grad == "straight_through":
            soft = scores.softmax(-1)
            return gates.detach() + soft - soft.detach()
        return gates

    def _record(self, routing: Routing, name: str, scores: torch.Tensor) -> None:
        if routing.recorder is not None:
            routing.recorder.record(self.layer, name, scores.argmax(-1))
