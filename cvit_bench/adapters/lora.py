"""LoRA, PEFT's own (Hu et al., 2021): y = W x + (alpha / r) · B A x, B = 0 at the start.

With `dora` it is DoRA (Liu et al., 2024, arXiv 2402.09353), PEFT's own too: with V = W + (alpha / r) · B A,
y = (m / ‖V‖) ∘ V x, one learned magnitude m for each output, m = ‖W‖ at the start; norms are of V's rows.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cvit_bench.adapters.sites import AdapterConfig, Sites, chosen_linears, one_pattern

if TYPE_CHECKING:
    from peft import LoraConfig

TITLE = "LoRA"


class Config(AdapterConfig):
    """Settings of the update; the defaults are CoIN's, but for A, which starts as PEFT has it."""

    a_init: Literal["kaiming"] = "kaiming"
    dora: bool = Field(default=False, description="learn the magnitude of each output apart (DoRA)")


def peft_config(config: Config, sites: Sites) -> "LoraConfig":
    """Return PEFT's configuration for a base."""
    from peft import LoraConfig

    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=one_pattern(chosen_linears(config, sites)),
        modules_to_save=[sites.projector_module] if config.projector == "train" else None,
        bias="none",
        use_dora=config.dora,
    )
