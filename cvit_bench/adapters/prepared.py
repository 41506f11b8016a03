"""What is made of weights alone is made once, and again only when they may have changed.

Stacked weights and folded vectors stay the same from one prompt to the next. They are kept for weights that
ask for no gradient, so that no optimizer writes to them, and as long as these lie where they lay and torch
has counted no write to them. It counts none through `weight.data`: call `train()` or `eval()` after such a
one, both forget everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import nn

Made = TypeVar("Made")


class Prepared:
    """Values made of weights, by name."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, object, Any]] = {}

    def __reduce__(self) -> tuple[type[Prepared], tuple[()]]:
        return Prepared, ()

    def get(self, name: str, weights: Sequence[torch.Tensor], make: Callable[[], Made]) -> Made:
        """Return what `make` makes of `weights`: kept from an earlier call where they are as they were."""
        if any(weight.requires_grad or weight.is_inference() for weight in weights):
            self._kept.pop(name, None)
            return make()
        state = (_computing(weights[0]), *((weight.data_ptr(), weight._version) for weight in weights))
        if name not in self._kept or self._kept[name][0] != state:
            with torch.inference_mode(False), torch.no_grad():
                made = make()
            memory = [weight.untyped_storage() for weight in weights]  # no other weight can lie there
            self._kept[name] = (state, memory, made)
        return self._kept[name][2]

    def forget(self) -> None:
        """Keep nothing."""
        self._kept.clear()


class PreparingModule(nn.Module):
    """A module that prepares something of its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared = Prepared()

    def train(self, mode: bool = True) -> Any:
        """Set training or evaluation, and prepare anew what is asked for next."""
        self.prepared.forget()
        return super().train(mode)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self.prepared.forget()
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


def _computing(weight: torch.Tensor) -> torch.dtype | None:
    """Return what autocast computes in, None without it."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
