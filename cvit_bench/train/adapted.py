"""A base with a trainable adapter: which layers it sits on, and how a stage gets its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from cvit_bench import plugins
from cvit_bench.adapters.core import History
from cvit_bench.adapters.sites import AdapterConfig, Sites
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import fresh_adapter
from cvit_bench.models.family import family_named
from cvit_bench.models.folders import ADAPTER_FILES, adapter_config
from cvit_bench.models.loading import LoadedBase
from cvit_bench.train.precision import chosen
from cvit_bench.train.settings import TrainSettings, checked


@dataclass(frozen=True)
class StageStart:
    """What a stage begins with beside its parent's weights."""

    tasks: tuple[str, ...]
    seed: int
    base_sha256: str


def adaptable_sites(model: Any, projector: str) -> Sites:
    """Return the names of the linear layers of language model and projector, output head left out."""
    modules = dict(model.named_modules())
    decoder = model.get_decoder()
    prefix = next((name for name, module in modules.items() if module is decoder), "")
    if not prefix:
        raise CvitBenchError("the base has no language model of its own to adapt")
    linears = [name for name, module in modules.items() if isinstance(module, torch.nn.Linear)]

    def under(root: str) -> tuple[str, ...]:
        return tuple(name for name in linears if root and name.startswith(f"{root}."))

    return Sites(under(prefix), under(projector), projector, _image_width(model))


def _image_width(model: Any) -> int | None:
    """Return the width of the features that enter the projector, where the base's family tells it."""
    name = getattr(getattr(model, "config", None), "model_type", "")
    return family_named(name).image_width(model.config) if name in plugins.names(plugins.FAMILIES) else None


def attach(
    base: LoadedBase, projector: str, settings: TrainSettings, parent: Path | None, start: StageStart
) -> Any:
    """Put a trainable adapter on the base: fresh from a seed, or with the weights of the parent's folder."""
    from peft.utils import set_peft_model_state_dict
    from safetensors.torch import load_file

    from cvit_bench.adapters.peft_bridge import tuner_of

    state = load_file(parent / ADAPTER_FILES[1]) if parent is not None else {}
    past = _past(parent)
    adapted = put_on(base.model, projector, settings, past, state, start)
    if chosen(settings.training.precision, base.device) == "bfloat16":
        _widen_what_learns(adapted)
    if parent is not None:
        set_peft_model_state_dict(adapted, state)
    tuner = tuner_of(adapted)
    if tuner is not None:
        tuner.begin_stage(len(past.tasks))
    return adapted


def _widen_what_learns(adapted: Any) -> None:
    """Have everything that learns do so in float32: PEFT copies a projector in the type of its base."""
    for weight in adapted.parameters():
        if weight.requires_grad and weight.dtype in (torch.bfloat16, torch.float16):
            weight.data = weight.data.float()


def put_on(
    model: Any,
    projector: str,
    settings: TrainSettings,
    past: History,
    state: Mapping[str, Any],
    start: StageStart,
) -> Any:
    """Put a fresh adapter on a model, of the size that a stage after `past` has; `state` is its parent's."""
    sites = adaptable_sites(model, projector)
    torch.manual_seed(start.seed)
    return fresh_adapter(model, _peft_config(settings, sites, past, state, start))


def adapter_settings(settings: TrainSettings) -> AdapterConfig:
    """Return the settings of a run's adapter as the record that its module defines."""
    module = plugins.load(plugins.ADAPTERS, str(settings.adapter))
    return cast(AdapterConfig, checked(module.Config, settings.adapter_config, "adapter"))


def stage_history(
    settings: TrainSettings, past: History, state: Mapping[str, Any], tasks: Sequence[str]
) -> History:
    """Return what an adapter has behind it after a stage on `tasks`; PEFT's own keep no count."""
    module = plugins.load(plugins.ADAPTERS, str(settings.adapter))
    if hasattr(module, "peft_config"):
        return History()
    return cast(History, module.Update.next_history(adapter_settings(settings), past, state, tasks))


def _past(parent: Path | None) -> History:
    """Return what a parent's configuration says about the tasks before."""
    if parent is None:
        return History()
    said = adapter_config(parent)
    return History(tuple(said.get("tasks", ())), tuple(said.get("branches", ())))


def _peft_config(
    settings: TrainSettings, sites: Sites, past: History, state: Mapping[str, Any], start: StageStart
) -> Any:
    """Return PEFT's configuration of the adapter, of routed ones with the history that the stage adds to."""
    from cvit_bench.adapters.peft_bridge import peft_config_of

    name, config = str(settings.adapter), adapter_settings(settings)
    module = plugins.load(plugins.ADAPTERS, name)
    history = stage_history(settings, past, state, start.tasks) if hasattr(module, "Update") else None
    return peft_config_of(name, config, sites, history, start.base_sha256)
