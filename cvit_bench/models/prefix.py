"""A batch of prompts that was read once: what later passes need to go on from there.

Legend: B prompts, L positions of the longest one, P positions of a later pass, V words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.models.inputs import Batch

Tokens = Sequence[int]


@dataclass(frozen=True)
class Prefix:
    """A batch of prompts that was read.

    Attributes:
        cache: keys and values.
        real: which positions hold a token, bool [B, L].
        first: ln p of every first word, float32 [B, V].
    """

    cache: Any
    real: torch.Tensor
    first: torch.Tensor

    @property
    def lengths(self) -> torch.Tensor:
        """Number of tokens of each prompt, long [B]."""
        return self.real.sum(dim=1)


def read(model: Any, batch: Batch) -> Prefix:
    """Read prompts padded on the left, and keep what they leave behind."""
    real = batch["attention_mask"].bool()
    output = model(
        **batch,
        position_ids=(real.long().cumsum(dim=1) - 1).clamp(min=0),
        use_cache=True,
        logits_to_keep=1,
    )
    return Prefix(output.past_key_values, real, output.logits[:, -1].float().log_softmax(dim=-1))


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
