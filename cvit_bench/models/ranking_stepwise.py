"""Each answer in a row of its own, read token by token as if it had been generated.

For adapters that route the positions of a pass together: what they do with an answer must not depend on the
answers beside it. And for attention that looks back through a window, which counts the positions that stand
there. Keys and values of the prompt are copied to the rows, a few at a time.

Legend: n rows, B prompts, L positions of the longest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.adapters.routing import Routing
from cvit_bench.models.cache import continued
from cvit_bench.models.prefix import Prefix, Tokens, first_words, log_likelihoods

_ROWS = 8
"""How many rows a pass has at least, if there are as many answers."""


@dataclass(frozen=True)
class _Row:
    prompt: int
    number: int
    tokens: Tokens


def stepwise_sums(
    model: Any, prefix: Prefix, answers: Sequence[Sequence[Tokens]], end: int, routing: Routing | None = None
) -> list[list[float]]:
    """Return Σ ln p of each answer to each prompt and of its end; at most max(B, 8) rows a pass.

    `routing` is told which prompt each row continues.
    """
    sums = first_words(prefix, answers, end)
    rows = [
        _Row(prompt, number, tokens)
        for prompt, said in enumerate(answers)
        for number, tokens in enumerate(said)
        if tokens
    ]
    rows.sort(key=lambda row: len(row.tokens))
    size = max(len(prefix.real), _ROWS)
    for start in range(0, len(rows), size):
        chunk = rows[start : start + size]
        prompts = torch.tensor([row.prompt for row in chunk], device=prefix.real.device)
        with routing.continuing(prompts) if routing is not None else nullcontext():
            found = _sums_of(model, _selected(prefix, prompts), [row.tokens for row in chunk], end)
        for row, value in zip(chunk, found, strict=True):
            sums[row.prompt][row.number] += value
    return sums


def _selected(prefix: Prefix, prompts: torch.Tensor) -> Prefix:
    """Return a copy of what some prompts left behind, a row for each entry of `prompts` [n]."""
    cache = continued(prefix.cache)
    cache.batch_select_indices(prompts)
    return Prefix(cache, prefix.real[prompts], prefix.next[prompts], prefix.first[prompts])


def _sums_of(model: Any, prefix: Prefix, said: Sequence[Tokens], end: int) -> list[float]:
    """Return Σ ln p of all words after the first one, a number for each row."""
    real, device = prefix.real, prefix.real.device
    sums = torch.zeros(len(said), device=device)
    for step in range(max(map(len, said))):
        real = torch.cat([real, real.new_ones(len(real), 1)], dim=1)
        followers = [(*tokens, end)[min(step + 1, len(tokens))] for tokens in said]
        logits = model(
            input_ids=torch.tensor([[tokens[min(step, len(tokens) - 1)]] for tokens in said], device=device),
            attention_mask=real.long(),
            position_ids=(prefix.next + step).unsqueeze(1),
            past_key_values=prefix.cache,
            use_cache=True,
        ).logits
        found = log_likelihoods(logits, torch.tensor(followers, device=device).unsqueeze(1)).squeeze(1)
        sums += found * torch.tensor([step < len(tokens) for tokens in said], device=device)
    values: list[float] = sums.tolist()
    return values
