"""Which kernel of attention a stage trains with; the sums are the same, in another order."""

from __future__ import annotations

from cvit_bench.models.loading import LoadedBase

_TEXT = "text_config"


def suit_attention(base: LoadedBase) -> LoadedBase:
    """Have the language model of a base write its attention out where that trains faster: on a processor.

    The backward pass of torch's fused kernel for processors takes a quarter of a step at the lengths of the
    embedded suites (`benchmarks/train_step.py --attention fused`). Accelerators, the vision tower and every
    evaluation keep the fused one.
    """
    if base.device.type == "cpu" and _TEXT in base.model.config.sub_configs:
        base.model.set_attn_implementation({_TEXT: "eager"})
    return base
