"""A model whose linear layers are routed, as PEFT wants a tuner to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from peft.tuners.tuners_utils import BaseTuner
from torch import nn

from cvit_bench.adapters.core import Modality, Place, RoutedUpdate
from cvit_bench.adapters.peft_bridge.config import NAME, RoutedConfig
from cvit_bench.adapters.peft_bridge.linear import HELD, NO_MERGE, RoutedLinear
from cvit_bench.adapters.peft_bridge.observer import Observer
from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.selector import SelectorConfig, TaskSelector
from cvit_bench.adapters.sites import AdapterConfig
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_json
from cvit_bench.resources import INSTRUCTION_WIDTH


class RoutedModel(BaseTuner):  # type: ignore[misc]
    """A model whose linear layers are routed; holds what all of them share.

    `uses_shared_state` has PEFT refuse to put our layers into a model without this tuner around it.
    """

    prefix: str = f"{NAME}_"
    tuner_layer_cls = RoutedLinear
    uses_shared_state: bool = True
    target_module_mapping: dict[str, list[str]] = {}

    def _pre_injection_hook(self, model: nn.Module, config: Any, adapter_name: str) -> None:
        if "routing" in self.__dict__:
            return
        self.routing = Routing()
        self.routed = nn.ModuleDict()
        self._observer = Observer(model, self.routing, self._selector_now)

    def _post_injection_hook(self, model: nn.Module, config: Any, adapter_name: str) -> None:
        settings = config.read_settings()
        if isinstance(settings, SelectorConfig):
            self._add_selector(model, config, adapter_name, settings)

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        """Put an adapter into the model, with its selector if it has one."""
        super().inject_adapter(model, adapter_name, *args, **kwargs)
        if adapter_name not in self.routed:
            self._post_injection_hook(model, self.peft_config[adapter_name], adapter_name)

    def _add_selector(
        self, model: nn.Module, config: RoutedConfig, adapter_name: str, settings: SelectorConfig
    ) -> None:
        width = config.image_width or _image_width(model, settings)
        selector = TaskSelector(settings, width, INSTRUCTION_WIDTH, max(1, len(config.tasks)))
        self.routed[adapter_name] = selector.to(next(model.parameters()).device)
        if config.projector:
            self._observer.watch_projector(model.get_submodule(config.projector))

    def _create_and_replace(  # noqa: PLR0913, PLR0917
        self,
        peft_config: Any,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        base = target.get_base_layer() if isinstance(target, RoutedLinear) else target
        if not isinstance(base, nn.Linear):
            raise ValueError(f"{current_key}: is a {type(base).__name__}; only linear layers are adapted")
        seen = bool(peft_config.projector) and current_key.startswith(f"{peft_config.projector}.")
        modality: Modality = "vision" if seen else "text"
        place = Place(current_key, modality, base.in_features, base.out_features, base.bias is not None)
        update = peft_config.update_for(place)
        if base.weight.device.type != "meta" and not _is_meta(update):
            update.start(_router_generator(peft_config, current_key))
            update.to(base.weight.device)
        layer = target if isinstance(target, RoutedLinear) else RoutedLinear(target, self.routing)
        layer.routed[adapter_name] = update
        if layer is not target:
            layer._active_adapter = [adapter_name]
            layer.train(target.training)
            self._replace_module(parent, target_name, layer, target)
        layer.set_adapter(self.active_adapters, inference_mode=peft_config.inference_mode)

    @property
    def selector(self) -> TaskSelector | None:
        """The selector of the active adapter, if it has one."""
        name = self.active_adapters[0]
        return cast(TaskSelector, self.routed[name]) if name in self.routed else None

    def _selector_now(self) -> TaskSelector | None:
        return self.selector

    @property
    def updates(self) -> dict[str, RoutedUpdate]:
        """All updates of the active adapter, by the name of their layer."""
        layers = [layer for layer in self.model.modules() if isinstance(layer, RoutedLinear)]
        return {update.layer: update for layer in layers for update in layer.active_updates()}

    @property
    def prefix_shareable(self) -> bool:
        """Whether several answers may continue one prompt in a pass."""
        return all(update.prefix_shareable for update in self.updates.values())

    @property
    def tokenwise(self) -> bool:
        """Whether what several prompts begin with may be read once."""
        return self.selector is None and all(update.tokenwise for update in self.updates.values())

    @property
    def padding_safe(self) -> bool:
        """Whether prompts of several lengths may share a batch."""
        return all(update.padding_safe for update in self.updates.values())

    @property
    def settings(self) -> AdapterConfig:
        """The settings of the active adapter."""
        return cast(RoutedConfig, self.peft_config[self.active_adapters[0]]).read_settings()

    def begin_stage(self, num_tasks_before: int) -> None:
        """Get ready to train the tasks after the first `num_tasks_before`."""
        for part in self._parts().values():
            part.begin(num_tasks_before)
            part.keep_fixed()

    def running_state(self) -> dict[str, torch.Tensor]:
        """Return what layers and keys have summed up so far in this stage."""
        return {
            f"{place}|{name}": values
            for place, part in self._parts().items()
            for name, values in part.running_state().items()
        }

    def resume_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from such sums."""
        for place, part in self._parts().items():
            mine = {
                key.partition("|")[2]: values for key, values in state.items() if key.startswith(f"{place}|")
            }
            part.resume_state(mine)

    def _parts(self) -> dict[str, Any]:
        """Return updates by the name of their layer, and the selector, if any, under no name."""
        return {**self.updates, **({"": self.selector} if self.selector else {})}

    def close_stage(self) -> None:
        """Settle what a stage leaves behind: usage, frozen branches, task keys."""
        by_kind: dict[type[RoutedUpdate], dict[str, RoutedUpdate]] = {}
        for name, update in self.updates.items():
            by_kind.setdefault(type(update), {})[name] = update
        for kind, updates in by_kind.items():
            kind.close_stage(updates)
        if self.selector is not None:
            self.selector.close_stage()

    def extra_loss(self) -> torch.Tensor | float:
        """Return what layers and keys add to the loss of the pass that just ended."""
        terms = self.routing.extra_loss
        return torch.stack(terms).sum() if terms else 0.0

    def unload(self) -> nn.Module:
        """Return the base as it was, without our hooks."""
        self._observer.stop()
        return cast(nn.Module, super().unload())

    def delete_adapter(self, adapter_name: str) -> None:
        """Remove an adapter with its selector."""
        super().delete_adapter(adapter_name)
        if adapter_name in self.routed:
            del self.routed[adapter_name]

    def _check_merge_allowed(self) -> None:
        raise ValueError(NO_MERGE)

    @classmethod
    def _remove_adapter_name_from_key(cls, key: str, adapter_name: str) -> str:
        return key.replace(f".{HELD}.{adapter_name}.", f".{HELD}.", 1)


def _router_generator(config: RoutedConfig, layer: str) -> torch.Generator | None:
    """Return the generator of a layer's routers: of a seed of its own where the method has one."""
    seed = config.settings.get("router_seed")
    if seed is None:
        return None
    return torch.Generator().manual_seed(int(sha256_json([seed, layer])[:12], 16))


def _is_meta(module: nn.Module) -> bool:
    return any(weight.is_meta for weight in module.parameters())


def _image_width(model: Any, settings: SelectorConfig) -> int:
    """Return the width of the vision features before the projector; 1 where no image key is asked for."""
    vision = getattr(getattr(model, "config", None), "vision_config", None)
    width = getattr(vision, "hidden_size", None)
    if width is None and settings.image_weight:
        raise CvitBenchError(
            "adapter.image_weight: the base has no vision features to make image keys of; set 0"
        )
    return int(width or 1)
