"""A batch of prompts that was read once: what later passes need to go on from there.

Legend: B prompts, L positions of the longest one, P positions of a later pass, V words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.models.cache import continued
from cvit_bench.models.inputs import Batch

Tokens = Sequence[int]


@dataclass(frozen=True)
class Prefix:
    """A batch of prompts that was read.

    Attributes:
        cache: keys and values; not to be changed (`cache.continued`).
        real: which positions hold a token, bool [B, L].
        next: the position that comes next, long [B]; of pictures with positions of their own it is not L.
        first: ln p of every first word, float32 [B, V].
    """

    cache: Any
    real: torch.Tensor
    next: torch.Tensor
    first: torch.Tensor


@contextmanager
def first_pass(model: Any, batch: Batch, wanted: bool = True) -> Iterator[list[Prefix]]:
    """Take down what the first pass of a generation from `batch` leaves behind, if that is `wanted`.

    Positions are those that the decoder counts: families with some of their own make them for a generation.
    """
    if not wanted:
        yield []
        return
    real = batch["attention_mask"].bool()
    found: list[Prefix] = []
    positions: list[torch.Tensor] = []

    def see(_: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if not positions:
            positions.append(kwargs["position_ids"])

    def keep(_: Any, args: Any, output: Any) -> None:
        if not found:
            first = output.logits[:, -1].float().log_softmax(dim=-1)
            found.append(Prefix(continued(output.past_key_values), real, _next(positions[0], real), first))

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hooks = [
        base.get_decoder().register_forward_pre_hook(see, with_kwargs=True),
        base.register_forward_hook(keep),
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _next(positions: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return the position after the last one, long [B], of positions [(axes,) B or 1, L].

    Time, height and width are counted apart for a picture (M-RoPE); what comes after it counts on from the
    largest of the three. Four axes: the first one numbers tokens and takes no part in it.
    """
    axes = positions if positions.ndim == 3 else positions.unsqueeze(0)
    counted = axes[1:] if len(axes) == 4 else axes
    largest: torch.Tensor = counted.amax(dim=0).expand(real.shape).masked_fill(~real, -1).amax(dim=1)
    return largest + 1


def first_words(prefix: Prefix, answers: Sequence[Sequence[Tokens]], end: int) -> list[list[float]]:
    """Return ln p of the first token of each answer; of the end where it has none."""
    return [
        row[[tokens[0] if tokens else end for tokens in said]].tolist()
        for row, said in zip(prefix.first.cpu(), answers, strict=True)
    ]


def log_likelihoods(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return ln p of the targets, float32 [B, P], of logits [B, P, V]."""
    logits = logits.float()
    return logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(dim=-1)
