"""The bridge to PEFT: one tuner for all routed methods, saved and loaded as an ordinary PEFT folder.

After `import cvit_bench`, `PeftModel.from_pretrained(base, folder)` works for our folders. This is the only
module that touches what PEFT keeps to itself (0.21: the closed enumeration of types, structural state dicts).

A routed adapter never merges: its update depends on the sample. One adapter is active at a time.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import PeftType, register_peft_method
from torch import nn

from cvit_bench import plugins
from cvit_bench.adapters.core import History, Place, RoutedUpdate, Stream, pooled
from cvit_bench.adapters.dense import DenseUpdate
from cvit_bench.adapters.routing import INSTRUCTION_WIDTH, Routing
from cvit_bench.adapters.selector import SelectorConfig, TaskSelector
from cvit_bench.adapters.sites import AdapterConfig
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_json

NAME = "cvit_bench"
HELD = "routed"
_NO_MERGE = "a routed adapter cannot be merged into its base: its update depends on the sample"


@dataclass
class RoutedConfig(PeftConfig):  # type: ignore[misc]
    """What adapter_config.json of a routed adapter holds.

    Attributes:
        method: name of the method, a file of `cvit_bench/adapters` or a dotted path.
        settings: the method's settings.
        target_modules: pattern of the adapted layers.
        projector: name of the module between vision tower and language model, "" if there is none.
        tasks, branches: the tasks so far and how many branches there were, where the method keeps count.
        base_sha256: content hash of the base it was trained on.
    """

    method: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    target_modules: str | list[str] | None = None
    exclude_modules: str | list[str] | None = None
    projector: str = ""
    tasks: list[str] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    base_sha256: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType[NAME.upper()]

    @property
    def history(self) -> History:
        """The tasks so far."""
        return History(tuple(self.tasks), tuple(self.branches))

    def read_settings(self) -> AdapterConfig:
        """Return the method's settings, validated."""
        module = plugins.load(plugins.ADAPTERS, self.method)
        return cast(AdapterConfig, module.Config.model_validate(self.settings))

    def update_for(self, place: Place) -> RoutedUpdate:
        """Return the uninitialised update of one layer."""
        settings = self.read_settings()
        if settings.projector == "train" and place.stream == "vision":
            apart = getattr(settings, "per_task_projector", False)
            return DenseUpdate(place, max(1, len(self.tasks)) if apart else None)
        module = plugins.load(plugins.ADAPTERS, self.method)
        return cast(RoutedUpdate, module.Update(place, settings, self.history))


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
        for update in self._active():
            output = update.add_to(output, x, self.routing)
        return output

    def _active(self) -> list[RoutedUpdate]:
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
        for update in self._active():
            update.keep_fixed()

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Refuse."""
        raise ValueError(_NO_MERGE)

    def unmerge(self) -> None:
        """Refuse."""
        raise ValueError(_NO_MERGE)


class RoutedModel(BaseTuner):  # type: ignore[misc]
    """A model whose linear layers are routed; holds what all of them share."""

    prefix: str = f"{NAME}_"
    tuner_layer_cls = RoutedLinear
    target_module_mapping: dict[str, list[str]] = {}

    def _pre_injection_hook(self, model: nn.Module, config: Any, adapter_name: str) -> None:
        if "routing" in self.__dict__:
            return
        self.routing = Routing()
        self.routed = nn.ModuleDict()
        self._image_token = _image_token(model)
        self._signature = inspect.signature(model.forward)
        self._watch_generate(model)
        self._hooks = [
            model.register_forward_pre_hook(self._observe, with_kwargs=True),
            model.register_forward_hook(self._learn_keys),
        ]

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
        width = _image_width(model, settings)
        selector = TaskSelector(settings, width, INSTRUCTION_WIDTH, max(1, len(config.tasks)))
        self.routed[adapter_name] = selector.to(next(model.parameters()).device)
        if len(self._hooks) == 2 and config.projector:
            projector = model.get_submodule(config.projector)
            self._hooks.append(projector.register_forward_pre_hook(self._see))

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
        stream: Stream = "vision" if seen else "text"
        place = Place(current_key, stream, base.in_features, base.out_features, base.bias is not None)
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

    def _watch_generate(self, model: Any) -> None:
        """Have `generate` tell about its prompts first: it makes vision features before any forward pass."""
        generate = getattr(model, "generate", None)
        if generate is None:
            return

        @functools.wraps(generate)
        def generate_watched(inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
            ids = inputs if inputs is not None else kwargs.get("input_ids")
            self.routing.selector = self.selector
            self.routing.observe_ahead(ids, kwargs.get("attention_mask"), self._image_token)
            try:
                return generate(inputs, *args, **kwargs)
            finally:
                self.routing.generating = False

        model.generate = generate_watched

    def _observe(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = {**self._signature.bind_partial(*args).arguments, **kwargs}
        cache = given.get("past_key_values")
        decoding = cache is not None and cache.get_seq_length() > 0
        ids, mask, labels = (given.get(name) for name in ("input_ids", "attention_mask", "labels"))
        self.routing.selector = self.selector
        self.routing.observe(ids, mask, labels, self._image_token, decoding)

    def _see(self, projector: nn.Module, args: tuple[Any, ...]) -> None:
        """Keep the mean vision feature of each sample; the projector has not changed it yet."""
        if self.selector is not None:
            self.routing.image_embeddings = pooled(args[0].detach(), self.routing, "vision", None)

    def _learn_keys(self, model: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """In a training pass, take the samples into the keys of their tasks."""
        selector = self.selector
        if selector is not None and model.training and torch.is_grad_enabled():
            selector.learn(self.routing)

    @property
    def selector(self) -> TaskSelector | None:
        """The selector of the active adapter, if it has one."""
        name = self.active_adapters[0]
        return cast(TaskSelector, self.routed[name]) if name in self.routed else None

    @property
    def updates(self) -> dict[str, RoutedUpdate]:
        """All updates of the active adapter, by the name of their layer."""
        layers = [layer for layer in self.model.modules() if isinstance(layer, RoutedLinear)]
        return {update.layer: update for layer in layers for update in layer._active()}

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
        for hook in self._hooks:
            hook.remove()
        self.model.__dict__.pop("generate", None)
        return cast(nn.Module, super().unload())

    def delete_adapter(self, adapter_name: str) -> None:
        """Remove an adapter with its selector."""
        super().delete_adapter(adapter_name)
        if adapter_name in self.routed:
            del self.routed[adapter_name]

    def _check_merge_allowed(self) -> None:
        raise ValueError(_NO_MERGE)

    @classmethod
    def _remove_adapter_name_from_key(cls, key: str, adapter_name: str) -> str:
        return key.replace(f".{HELD}.{adapter_name}.", f".{HELD}.", 1)


def tuner_of(adapted: Any) -> RoutedModel | None:
    """Return the routed tuner of a PEFT model, None when its adapter is of another kind."""
    tuner = getattr(adapted, "base_model", None)
    return tuner if isinstance(tuner, RoutedModel) else None


def routing_of(adapted: Any) -> Routing:
    """Return the routing context of a PEFT model with one of our adapters."""
    tuner = tuner_of(adapted)
    if tuner is None:
        raise CvitBenchError("this model has no routed adapter")
    return tuner.routing


def register_tuner() -> None:
    """Add our tuner to PEFT's closed enumeration of types; a second call changes nothing."""
    upper = NAME.upper()
    if upper in PeftType.__members__:
        return
    member = str.__new__(PeftType, upper)
    member._name_, member._value_ = upper, upper
    PeftType._member_map_[upper] = member
    PeftType._value2member_map_[upper] = member
    PeftType._member_names_.append(upper)
    type.__setattr__(PeftType, upper, member)
    register_peft_method(name=NAME, config_cls=RoutedConfig, model_cls=RoutedModel)


def _router_generator(config: RoutedConfig, layer: str) -> torch.Generator | None:
    """Return the generator of a layer's routers: of a seed of its own where the method has one."""
    seed = config.settings.get("router_seed")
    if seed is None:
        return None
    return torch.Generator().manual_seed(int(sha256_json([seed, layer])[:12], 16))


def _is_meta(module: nn.Module) -> bool:
    return any(weight.is_meta for weight in module.parameters())


def _image_token(model: Any) -> int | None:
    config = getattr(model, "config", None)
    for name in ("image_token_id", "image_token_index"):
        if getattr(config, name, None) is not None:
            return int(getattr(config, name))
    return None


def _image_width(model: Any, settings: SelectorConfig) -> int:
    """Return the width of the vision features before the projector; 1 where no image key is asked for."""
    vision = getattr(getattr(model, "config", None), "vision_config", None)
    width = getattr(vision, "hidden_size", None)
    if width is None and settings.image_weight:
        raise CvitBenchError(
            "adapter.image_weight: the base has no vision features to make image keys of; set 0"
        )
    return int(width or 1)


register_tuner()
