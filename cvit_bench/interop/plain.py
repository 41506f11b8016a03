"""A plain PEFT LoRA made of weights that another adapter amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.adapters.sites import one_pattern
from cvit_bench.models.adapter_files import fresh_adapter


@dataclass(frozen=True)
class PlainWeights:
    """What an adapter amounts to, by name of layer.

    Attributes:
        low_rank: A [rank, d] and B [o, rank] of W + scale · B A.
        full: ΔW [o, d] and Δb [o] or None, of layers tuned in full.
        scale: s.
    """

    low_rank: dict[str, tuple[torch.Tensor, torch.Tensor]]
    full: dict[str, tuple[torch.Tensor, torch.Tensor | None]]
    scale: float

    @property
    def rank(self) -> int:
        """Rank of every low-rank update."""
        return len(next(iter(self.low_rank.values()))[0])


def plain_lora(model: Any, weights: PlainWeights, projector: str) -> Any:
    """Return a base with a PEFT LoRA of the given weights; layers tuned in full lie in `projector`."""
    from peft import LoraConfig

    config = LoraConfig(
        r=weights.rank,
        lora_alpha=weights.scale * weights.rank,
        target_modules=one_pattern(tuple(weights.low_rank)),
        modules_to_save=[projector] if weights.full else None,
        bias="none",
    )
    made = fresh_adapter(model, config).eval()
    layers = dict(made.base_model.model.named_modules())
    with torch.no_grad():
        for name, (down, up) in weights.low_rank.items():
            layers[name].lora_A["default"].weight.copy_(down)
            layers[name].lora_B["default"].weight.copy_(up)
        for name, (difference, bias) in weights.full.items():
            place = f"{projector}.modules_to_save.default.{name.removeprefix(f'{projector}.')}"
            layers[place].weight.add_(difference)
            if bias is not None:
                layers[place].bias.add_(bias)
    return made
