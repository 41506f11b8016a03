"""Greedy answers: prompts are read once, then a token a step; rows that have ended leave the batch.

Rows are padded on the left, padding is masked, positions count real tokens. What a group of prompts shares
(`passes.py`) is read once, the rest of each behind a copy of it.

Legend: B rows, l new positions, L positions so far, V words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.cache import RoomyCache, continued
from cvit_bench.models.passes import Asked, Group
from cvit_bench.models.prefix import Prefix

_STAY = 0.75
"""Rows that ended leave as soon as at most this share of the batch goes on: leaving copies the cache."""


@dataclass(frozen=True)
class Ending:
    """What ends an answer, what stands for no token, and whether rows may leave before the last has ended.

    A method that keeps something for each row of the batch needs all of them to the end.
    """

    stops: frozenset[int]
    padding: int
    may_leave: bool


class Reader:
    """Reads rows into a cache, behind a mask [B, L] of what are tokens."""

    def __init__(self, model: Any, num_layers: int, room: int, device: torch.device) -> None:
        self._model, self._device = model, device
        self._cache = RoomyCache(num_layers, room)
        self._mask: torch.Tensor | None = None

    def read(
        self, rows: Sequence[Sequence[int]], padding: int, pictures: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Read further tokens of every row; return the logits [B, V] of what comes next."""
        longest = max(len(row) for row in rows)
        ids = [[padding] * (longest - len(row)) + list(row) for row in rows]
        tokens = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
        device = self._device
        return self.step(torch.tensor(ids, device=device), torch.tensor(tokens, device=device), pictures)

    def step(
        self, ids: torch.Tensor, tokens: torch.Tensor, pictures: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Read ids [B, l], of which `tokens` [B, l] are real; return the logits [B, V] of what comes next."""
        self._mask = tokens if self._mask is None else torch.cat([self._mask, tokens], 1)
        positions = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            **pictures,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    def prefix(self, logits: torch.Tensor) -> Prefix:
        """Return what was read up to here, `logits` [B, V] of what comes next; reading on leaves it."""
        if self._mask is None:
            raise CvitBenchError("nothing was read")
        real = self._mask.bool()
        return Prefix(continued(self._cache), real, real.sum(1), logits.float().log_softmax(dim=-1))

    def choose(self, rows: Sequence[int], room: int = 0) -> None:
        """Go on with these rows, in this order and as often as they are named; make so much more room."""
        chosen = torch.tensor(rows, device=self._device)
        self._mask = None if self._mask is None else self._mask.index_select(0, chosen)
        self._cache.choose(chosen, room)


def begin(
    model: Any, groups: Sequence[Group], padding: int, pictures: Mapping[str, torch.Tensor], room: int = 0
) -> tuple[Reader, torch.Tensor]:
    """Read the prompts of one pass; return where they were read and the logits [B, V] of what comes next.

    `pictures` are those of the groups that share a beginning, else those of the rows, in order. There is room
    behind the prompts for answers, and for `room` positions at least.
    """
    rows = [row for group in groups for row in group.rows]
    device = next(model.parameters()).device
    first, rest = max(group.shared for group in groups), max(group.rest for group in groups)
    behind = rest + max(room, *(row.budget for row in rows))
    num_layers = model.config.get_text_config().num_hidden_layers
    reader = Reader(model, num_layers, first or behind, device)
    if first:
        reader.read([group.rows[0].ids[: group.shared] for group in groups], padding, pictures)
        reader.choose([at for at, group in enumerate(groups) for _ in group.rows], behind)
        pictures = {}
    ends = [row.ids[group.shared :] for group in groups for row in group.rows]
    return reader, reader.read(ends, padding, pictures)


def go_on(
    reader: Reader, logits: torch.Tensor, rows: Sequence[Asked], ending: Ending
) -> dict[int, list[int]]:
    """Answer prompts that were read; return the new tokens of each, by its place, without what ended them.

    The likeliest token of every row is taken until all have ended or used up their budgets.
    """
    said: dict[int, list[int]] = {row.at: [] for row in rows}
    over: set[int] = set()
    live = list(rows)
    while True:
        words = logits.argmax(-1)
        for row, word in zip(live, words.tolist(), strict=True):
            if row.at not in over and _ends(said[row.at], word, row.budget, ending):
                over.add(row.at)
        left = [at for at, row in enumerate(live) if row.at not in over]
        if not left:
            return said
        if ending.may_leave and len(left) <= _STAY * len(live):
            reader.choose(left)
            live, words = [live[at] for at in left], words[left]
        logits = reader.step(words.unsqueeze(1), torch.ones_like(words).unsqueeze(1), {})


def _ends(said: list[int], word: int, budget: int, ending: Ending) -> bool:
    """Take a token into an answer; tell whether it was the last."""
    if word in ending.stops:
        return True
    said.append(word)
    return len(said) >= budget
