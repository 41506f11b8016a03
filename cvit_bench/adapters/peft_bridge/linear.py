"""A frozen linear layer with routed updates, as PEFT wants a tuned layer to be."""

from __future__ import annotations

from typing import Any, cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from cvit_bench.adapters.core import RoutedUpdate
from cvit_bench.adapters.routing import Routing

HELD = "routed"
NO_MERGE = "a routed adapter cannot be merged into its base: its update depends on the sample"


class RoutedLinear(nn.Module, BaseTunerLayer):  # type: ignore[misc]
    """A frozen linear layer and the routed updates of it, by adapter name."""

    active_adapters: list[str]
    get_base_layer: Any

    adapter_layer_names = (HELD,)
    other_param_names = ()

    def __init__(self, base_layer: nn.Module, routing: Routing) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.routed = nn.ModuleDict()
        self.routing = routing
        self._disable_adapters = False
        self._active_adapter: list[str] = []
        self.merged_adapters: list[str] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return W x, plus the active adapter's update of it."""
        output = self.base_layer(x)
        if self.disable_adapters:
            return output
        for update in self.active_updates():
            output = update.add_to(output, x, self.routing)
        return output

    def active_updates(self) -> list[RoutedUpdate]:
        """Return the active adapter's update, if it has one of this layer."""
        return [cast(RoutedUpdate, self.routed[name]) for name in self.active_adapters if name in self.routed]

    def set_adapter(self, adapter_names: str | list[str], inference_mode: bool = False) -> None:
        """Choose the active adapter; gradients go to those of its weights that may learn."""
        super().set_adapter(adapter_names, inference_mode=inference_mode)
        if len(self.active_adapters) > 1:
            raise ValueError(f"one routed adapter at a time, not {self.active_adapters}")
        if not inference_mode:
            self.keep_fixed()

    def set_requires_grad(self, adapter_names: Any, requires_grad: bool = True) -> None:
        """Switch gradients, but never on for what must not learn."""
        super().set_requires_grad(adapter_names, requires_grad)
        if requires_grad:
            self.keep_fixed()

    def keep_fixed(self) -> None:
        """Take gradients from what the active adapter must not change."""
        for update in self.active_updates():
            update.keep_fixed()

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Refuse."""
        raise ValueError(NO_MERGE)

    def unmerge(self) -> None:
        """Refuse."""
        raise ValueError(NO_MERGE)
