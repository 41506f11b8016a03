"""O-LoRA: a LoRA for every stage, the new one kept orthogonal to the earlier ones, which stay fixed.

Wang et al., 2023 (arXiv 2310.14152). For one adapted linear layer W, at stage t:

    y    = W x + s · Σ_{i ≤ t} B_i A_i x                      s = α / rank, A_i and B_i fixed for i < t
    loss = task + λ1 · Σ_layers Σ_{i < t} Σ_{j,k} |A_i A_tᵀ|[j, k] + λ2 · Σ_layers (‖A_t‖ + ‖B_t‖)

The paper squares each entry of A_i A_tᵀ; the released code takes its absolute value, and so do we. A here is
the matrix next to the input, as in that code (the paper's A is the one next to the output). ‖·‖ is the
Frobenius norm, not squared.

The sum is one product down and one up, so a stage is a plain LoRA of rank t · rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from cvit_bench.adapters.core import History, Place, RoutedUpdate, down, empty, start_down, up
from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.sites import AdapterConfig

TITLE = "O-LoRA"


class Config(AdapterConfig):
    """Settings; `rank` and `alpha` are those of one stage's LoRA, λ1 and λ2 the released code's."""

    a_init: Literal["normal", "kaiming"] = "kaiming"
    orthogonal_weight: float = Field(default=0.5, ge=0, description="λ1, of the entries of A_i A_tᵀ")
    l2_weight: float = Field(default=0.0, ge=0, description="λ2, of the norms of A_t and B_t")


class StageLora(nn.Module):
    """A_i [rank, d] and B_i [o, rank]."""

    down: nn.Parameter
    up: nn.Parameter

    def __init__(self, place: Place, rank: int) -> None:
        super().__init__()
        self.down = empty(rank, place.width_in)
        self.up = empty(place.width_out, rank)


class Update(RoutedUpdate):
    """One layer: the LoRAs of all stages so far, the last of which learns."""

    prefix_shareable = True
    tokenwise = True

    loras: Sequence[StageLora]

    def __init__(self, place: Place, config: Config, history: History) -> None:
        super().__init__(place)
        self.config = config
        count = history.branches[-1] if history.branches else 1
        loras = [StageLora(place, config.rank) for _ in range(count)]
        self.loras = nn.ModuleList(loras)  # type: ignore[assignment]

    def start(self, routers: torch.Generator | None) -> None:
        """Initialise every A by `a_init` and every B = 0; what earlier stages learned is loaded over it."""
        for lora in self.loras:
            start_down(lora.down, self.config.a_init)
            nn.init.zeros_(lora.up)

    @classmethod
    def next_history(
        cls, config: Config, past: History, state: Mapping[str, torch.Tensor], tasks: Sequence[str]
    ) -> History:
        """Return the history with the new tasks, which share one more LoRA."""
        count = 1 + (past.branches[-1] if past.branches else 0)
        return History((*past.tasks, *tasks), (*past.branches, *[count] * len(tasks)))

    def keep_fixed(self) -> None:
        """Take gradients from the LoRAs of earlier stages."""
        for lora in self.loras:
            lora.requires_grad_(lora is self.loras[-1])

    def stacked(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return all A's [t · rank, d] and all B's [o, t · rank]."""
        return torch.cat([lora.down for lora in self.loras]), torch.cat([lora.up for lora in self.loras], 1)

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return output + s · Σ_i B_i A_i x."""
        if self.training:
            self._add_penalty(routing)
        all_down: list[torch.Tensor] = [lora.down for lora in self.loras]
        all_up: list[torch.Tensor] = [lora.up for lora in self.loras]
        downs = self.made_of("down", all_down, routing, lambda: torch.cat(all_down))
        ups = self.made_of("up", all_up, routing, lambda: torch.cat(all_up, 1))
        h = down(x, downs, self.config.dropout, self.training)
        return up(output, h * self.config.scale, ups)

    def _add_penalty(self, routing: Routing) -> None:
        """Add this layer's terms to the loss of a pass, once.

        They are computed when checkpointing repeats the layer as well, which has to save the same tensors.
        Re-entrant checkpointing runs layers without gradients; these terms have theirs from weights alone.
        """
        with torch.enable_grad(), torch.autocast(self.loras[-1].down.device.type, enabled=False):
            penalty = self.penalty()
        if self.runs_first(routing) and penalty is not None:
            routing.extra_loss.append(penalty)

    def penalty(self) -> torch.Tensor | None:
        """Return λ1 · Σ_{i < t} Σ |A_i A_tᵀ| + λ2 · (‖A_t‖ + ‖B_t‖), a scalar; None where both are absent."""
        config, last = self.config, self.loras[-1]
        terms = []
        if config.orthogonal_weight and len(self.loras) > 1:
            past = torch.cat([lora.down.detach() for lora in self.loras[:-1]])
            terms.append(config.orthogonal_weight * (past @ last.down.t()).abs().sum())
        if config.l2_weight:
            terms.append(config.l2_weight * (last.down.norm() + last.up.norm()))
        return torch.stack(terms).sum() if terms else None
