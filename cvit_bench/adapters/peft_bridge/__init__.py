"""The bridge to PEFT: one tuner for all routed methods, saved and loaded as an ordinary PEFT folder.

After `import cvit_bench`, `PeftModel.from_pretrained(base, folder)` works for our folders. This is the only
place that touches what PEFT keeps to itself (0.21: the closed enumeration of types, structural state dicts).

A routed adapter never merges: its update depends on the sample. One adapter is active at a time.
"""

from __future__ import annotations

from typing import Any

from peft.utils import PeftType, register_peft_method

from cvit_bench.adapters.peft_bridge.config import NAME, RoutedConfig, peft_config_of
from cvit_bench.adapters.peft_bridge.linear import RoutedLinear
from cvit_bench.adapters.peft_bridge.model import RoutedModel
from cvit_bench.adapters.routing import Routing
from cvit_bench.errors import CvitBenchError

__all__ = [
    "NAME",
    "RoutedConfig",
    "RoutedLinear",
    "RoutedModel",
    "peft_config_of",
    "register_tuner",
    "routing_of",
    "tuner_of",
]


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


register_tuner()
