"""How likely given answers are: the prompts are read once, then all answers behind them.

    plain log-likelihood of an answer   Σ ln p(token | picture, prompt, tokens before), its end included

Answers of a prompt share one pass (`ranking_packed.py`) unless the adapter in place routes the positions of a
pass together (`RoutedUpdate.prefix_shareable`), attention takes no mask of ours, or it looks back through a
window (`ranking_stepwise.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from cvit_bench.adapters.peft_bridge import RoutedModel
from cvit_bench.models.family import Likelihoods
from cvit_bench.models.prefix import Prefix, Tokens
from cvit_bench.models.ranking_packed import packed_sums
from cvit_bench.models.ranking_stepwise import stepwise_sums

_TAKE_MASKS = ("eager", "sdpa")
Answers = Sequence[Sequence[Tokens]]
"""The answers to each prompt as tokens, without their ends."""


def likelihoods(
    model: Any, prefix: Prefix, answers: Answers, end: int, tuner: RoutedModel | None
) -> list[Likelihoods]:
    """Return the likelihoods of the given answers to each prompt that was read; nothing is changed by it.

    `tuner` is the routed adapter in place, which was told about the batch.
    """
    routing = tuner.routing if tuner is not None else None
    with routing.aside() if routing is not None else nullcontext():
        if _packs(model, tuner):
            sums = packed_sums(model, prefix, answers, end)
        else:
            sums = stepwise_sums(model, prefix, answers, end, routing)
    return [
        Likelihoods(tuple(row), tuple(len(answer) + 1 for answer in said))
        for row, said in zip(sums, answers, strict=True)
    ]


def _packs(model: Any, tuner: RoutedModel | None) -> bool:
    text = model.config.get_text_config()
    if text._attn_implementation not in _TAKE_MASKS or _looks_through_windows(text):
        return False
    return tuner is None or tuner.prefix_shareable


def _looks_through_windows(text: Any) -> bool:
    kinds = getattr(text, "layer_types", None)
    if kinds:
        return any(kind != "full_attention" for kind in kinds)
    return getattr(text, "sliding_window", None) is not None
