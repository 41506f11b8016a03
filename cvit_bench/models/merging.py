"""Add a plain LoRA to copies of the base's weights while it answers: one product a layer instead of three.

Only PEFT's LoRA and DoRA, whose update is the same for every token, and only in float32: there the sum is
as exact as the products were. The base's own weights lie aside untouched and come back as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.text import first_line

MOST_BYTES = 4 << 30
"""Larger copies are not made: an adapter then works beside its base."""


class Merged:
    """The linear layers of an adapted model with the update added; `undo` puts the base's weights back.

    Raises CvitBenchError where a sum is not finite; the base is as it was then.
    """

    def __init__(self, adapted: Any) -> None:
        self._aside = {layer: _weights(layer) for layer in _lora_layers(adapted)}
        try:
            for layer in self._aside:
                layer.merge(safe_merge=True)
        except (ValueError, RuntimeError) as error:
            self.undo()
            raise CvitBenchError(f"the adapter cannot be added to its base ({first_line(error)})") from error

    def undo(self) -> None:
        """Put the base's own weights back, bit for bit."""
        for layer, (weight, bias) in self._aside.items():
            base = layer.get_base_layer()
            base.weight.data = weight
            if bias is not None:
                base.bias.data = bias
            layer.merged_adapters.clear()
        self._aside.clear()


def can_merge(adapted: Any) -> bool:
    """Tell whether all that the active adapter adds to linear layers can be added to their weights."""
    from peft import PeftType
    from peft.tuners.lora import Linear
    from peft.tuners.tuners_utils import BaseTunerLayer

    if getattr(adapted, "peft_type", None) != PeftType.LORA:
        return False
    config = adapted.active_peft_config
    if getattr(config, "alora_invocation_tokens", None) or getattr(config, "arrow_config", None):
        return False
    layers = [layer for layer in adapted.modules() if isinstance(layer, BaseTunerLayer)]
    bases = [layer.get_base_layer() for layer in layers]
    plain = all(type(layer) is Linear for layer in layers) and all(type(b) is torch.nn.Linear for b in bases)
    weights = [base.weight for base in bases]
    exact = all(weight.dtype == torch.float32 for weight in weights)
    return plain and exact and sum(weight.nbytes for weight in weights) <= MOST_BYTES


def _lora_layers(adapted: Any) -> Iterator[Any]:
    from peft.tuners.lora import Linear

    return (layer for layer in adapted.modules() if isinstance(layer, Linear))


def _weights(layer: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    base = layer.get_base_layer()
    return base.weight.data, base.bias.data if base.bias is not None else None
