"""LoRA, PEFT's own (Hu et al., 2021): y = W x + (alpha / r) · B A x, B = 0 at the start."""

import re
from typing import TYPE_CHECKING

from pydantic import Field

from cvit_bench.records.base import Record

if TYPE_CHECKING:
    from peft import LoraConfig

TITLE = "LoRA"


class Config(Record):
    """Settings of the update; `--set adapter.KEY=…` overrides."""

    rank: int = Field(default=32, ge=1)
    alpha: float = Field(default=64.0, gt=0, description="scale is alpha / rank")
    dropout: float = Field(default=0.0, ge=0, lt=1)


def peft_config(config: Config, linears: tuple[str, ...]) -> "LoraConfig":
    """Return PEFT's configuration for the given linear layers (full module names)."""
    from peft import LoraConfig

    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=one_pattern(linears),
        bias="none",
    )


def one_pattern(linears: tuple[str, ...]) -> str:
    """Return one regular expression that matches the given module names, their layer numbers folded."""
    folded = {re.sub(r"(?<=\\\.)\d+(?=\\\.)", r"\\d+", re.escape(name)) for name in linears}
    return "|".join(sorted(folded))
