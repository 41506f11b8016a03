"""In which precision a stage computes; adapter weights and optimizer stay in that of the base."""

from contextlib import AbstractContextManager
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]
_UNITS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # torch.cpu has no public word for them


def chosen(precision: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """Return what `auto` means on a device: bfloat16 where its matrix units have it, else float32.

    On a processor these are AMX tiles or the dot products of AVX512-BF16; without either bfloat16 is slower
    than float32, not faster. On a Zen 5 a step of the embedded base takes 2.2 times as long in float32.
    """
    if precision != "auto":
        return precision
    has_units = torch.cuda.is_bf16_supported() if device.type == "cuda" else _has_units()
    return "bfloat16" if has_units else "float32"


def computing(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which a loss is computed: autocast to bfloat16, or nothing."""
    wanted = chosen(precision, device) == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def _has_units() -> bool:
    asked = (getattr(torch.cpu, name, None) for name in _UNITS)
    return any(capable() for capable in asked if capable)
