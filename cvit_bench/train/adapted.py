"""A base with a trainable adapter: which layers it sits on, and how a stage gets its own."""

import warnings
from pathlib import Path
from typing import Any

import torch

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.loading import LoadedBase
from cvit_bench.train.settings import TrainSettings, checked


def adaptable_linears(model: Any, projector: str) -> tuple[str, ...]:
    """Return the names of the linear layers of language model and projector, output head left out."""
    modules = dict(model.named_modules())
    decoder = model.get_decoder()
    prefix = next((name for name, module in modules.items() if module is decoder), "")
    if not prefix:
        raise CvitBenchError("the base has no language model of its own to adapt")
    roots = tuple(f"{root}." for root in (prefix, projector) if root)
    return tuple(
        name
        for name, module in modules.items()
        if isinstance(module, torch.nn.Linear) and name.startswith(roots)
    )


def attach(base: LoadedBase, projector: str, settings: TrainSettings, parent: Path | None, seed: int) -> Any:
    """Put a trainable adapter on the base: fresh from `seed`, or with the weights of the parent's folder."""
    from peft import get_peft_model
    from peft.utils import set_peft_model_state_dict
    from safetensors.torch import load_file

    module = plugins.load(plugins.ADAPTERS, str(settings.adapter))
    config = checked(module.Config, settings.adapter_config, "adapter")
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(
            base.model, module.peft_config(config, adaptable_linears(base.model, projector))
        )
    if parent is not None:
        set_peft_model_state_dict(adapted, load_file(parent / "adapter_model.safetensors"))
    return adapted
