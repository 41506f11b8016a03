"""What adapter_config.json of a routed adapter holds."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, cast

from peft import PeftConfig
from peft.utils import PeftType

from cvit_bench import plugins
from cvit_bench.adapters.core import History, Place, RoutedUpdate
from cvit_bench.adapters.dense import DenseUpdate
from cvit_bench.adapters.sites import AdapterConfig, Sites, chosen_linears, one_pattern
from cvit_bench.errors import CvitBenchError
from cvit_bench.text import known

NAME = "cvit_bench"


@dataclass
class RoutedConfig(PeftConfig):  # type: ignore[misc]
    """Method, settings, places and history of a routed adapter.

    Attributes:
        method: name of the method, a file of `cvit_bench/adapters` or an entry point; a dotted path serves
            where its module is imported already.
        settings: the method's settings.
        target_modules: pattern of the adapted layers.
        projector: name of the module between vision tower and language model, "" if there is none.
        image_width: width of the features that enter the projector; None: that of the vision tower.
        tasks, branches: the tasks so far and how many branches there were, where the method keeps count.
        base_sha256: content hash of the base it was trained on.
    """

    method: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    target_modules: str | list[str] | None = None
    exclude_modules: str | list[str] | None = None
    projector: str = ""
    image_width: int | None = None
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
        module = self._module()
        return cast(AdapterConfig, module.Config.model_validate(self.settings))

    def _module(self) -> ModuleType:
        """Return the method's module; a checkpoint may not say what is imported."""
        if "." in self.method and self.method not in sys.modules:
            raise CvitBenchError(
                f"method: {self.method!r} is no installed adapter, and a module is not imported because a "
                f"checkpoint names it (known: {known(plugins.names(plugins.ADAPTERS))}; an entry point of "
                f"{plugins.ADAPTERS.group} adds to them)"
            )
        return plugins.load(plugins.ADAPTERS, self.method)

    def update_for(self, place: Place) -> RoutedUpdate:
        """Return the uninitialised update of one layer."""
        settings = self.read_settings()
        if settings.projector == "train" and place.modality == "vision":
            apart = getattr(settings, "per_task_projector", False)
            return DenseUpdate(place, max(1, len(self.tasks)) if apart else None)
        module = self._module()
        return cast(RoutedUpdate, module.Update(place, settings, self.history))


def peft_config_of(
    method: str,
    settings: AdapterConfig,
    sites: Sites,
    history: History | None = None,
    base_sha256: str | None = None,
) -> PeftConfig:
    """Return the configuration of a method on a base, for `peft.get_peft_model`.

    PEFT's own adapters make theirs themselves; routed ones carry their history along.
    """
    module = plugins.load(plugins.ADAPTERS, method)
    if hasattr(module, "peft_config"):
        return module.peft_config(settings, sites)
    history = history or History()
    in_full = sites.projector if settings.projector == "train" else ()
    if settings.projector == "train" and sites.projector_module and not in_full:
        raise CvitBenchError(
            f"adapter.projector: train: {sites.projector_module} has no linear layers that {method} could "
            "train; --set adapter.projector=frozen"
        )
    return RoutedConfig(
        method=method,
        settings=settings.model_dump(mode="json"),
        target_modules=one_pattern(chosen_linears(settings, sites) + in_full),
        projector=sites.projector_module,
        image_width=sites.image_width,
        tasks=list(history.tasks),
        branches=list(history.branches),
        base_sha256=base_sha256,
    )
