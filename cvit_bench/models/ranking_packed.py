"""All answers of a prompt in one pass that continues it, packed one after another.

The mask lets each answer see the prompt and itself only, and each counts positions on from the prompt. That
is the same as a pass for each of them wherever the positions of a pass see one another in attention alone.

Legend: B prompts, L positions of the longest one, P packed tokens of the longest row, V words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.models.cache import continued
from cvit_bench.models.prefix import Prefix, Tokens, first_words, log_likelihoods

_ROOM = 1 << 26
"""How many numbers the scores of one pass may hold, B · P · V."""
_NOBODY = -1


@dataclass(frozen=True)
class _Place:
    """Where an answer stands: its prompt, its number there, its tokens."""

    row: int
    number: int
    tokens: Tokens


def packed_sums(
    model: Any, prefix: Prefix, answers: Sequence[Sequence[Tokens]], end: int
) -> list[list[float]]:
    """Return Σ ln p of each answer to each prompt and of its end, all of a prompt's in one pass."""
    sums = first_words(prefix, answers, end)
    for piece in _pieces(answers, _most(prefix.first.numel())):
        _add_packed(model, prefix, piece, end, sums)
    return sums


def packed_room(answers: Sequence[Sequence[Tokens]], num_scores: int) -> int:
    """Return how many positions the longest pass behind these prompts takes; `num_scores` is B · V."""
    rows = [sum(map(len, said)) for said in answers]
    longest = max((len(tokens) for said in answers for tokens in said), default=0)
    return min(max(rows, default=0), max(_most(num_scores), longest))


def _most(num_scores: int) -> int:
    """Return how many positions a pass has at most."""
    return max(1, _ROOM // num_scores)


def _pieces(answers: Sequence[Sequence[Tokens]], room: int) -> Iterator[list[list[_Place]]]:
    """Cut the answers of each prompt into pieces of at most `room` tokens (or one answer), row by row."""
    rows = [list(_cut([_Place(row, at, tokens) for at, tokens in enumerate(said) if tokens], room))
            for row, said in enumerate(answers)]  # fmt: skip
    for number in range(max(map(len, rows), default=0)):
        yield [row[number] if number < len(row) else [] for row in rows]


def _cut(places: Sequence[_Place], room: int) -> Iterator[list[_Place]]:
    piece: list[_Place] = []
    size = 0
    for place in places:
        size += len(place.tokens)
        if piece and size > room:
            yield piece
            piece, size = [], len(place.tokens)
        piece.append(place)
    if piece:
        yield piece


def _add_packed(
    model: Any, prefix: Prefix, piece: list[list[_Place]], end: int, sums: list[list[float]]
) -> None:
    """Add ln p of all words after the first one."""
    device = prefix.first.device
    rows = [_columns(places, end) for places in piece]
    longest = max(len(row) for row in rows)
    filled = [row + [(end, end, _NOBODY, 0)] * (longest - len(row)) for row in rows]
    tokens, targets, homes, offsets = torch.tensor(filled, device=device).unbind(dim=2)
    output = model(
        input_ids=tokens,
        attention_mask=_mask(prefix.real, homes, _dtype(model)),
        position_ids=prefix.next[:, None] + offsets,
        past_key_values=continued(prefix.cache),
        use_cache=True,
    )
    found = log_likelihoods(output.logits, targets).tolist()
    for row, places, values in zip(rows, piece, found, strict=True):
        for (_, _, home, _), value in zip(row, values, strict=False):
            sums[places[0].row][home] += value


def _columns(places: Sequence[_Place], end: int) -> list[tuple[int, int, int, int]]:
    """Return token, the one that follows it, its answer's number and its place there, of each position."""
    return [
        (token, follower, place.number, offset)
        for place in places
        for offset, (token, follower) in enumerate(
            zip(place.tokens, (*place.tokens[1:], end), strict=True)
        )
    ]  # fmt: skip


def _mask(real: torch.Tensor, homes: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return what is added to attention, [B, 1, P, L + P]: 0 where a position may look."""
    count = homes.shape[1]
    earlier = torch.ones(count, count, dtype=torch.bool, device=real.device).tril()
    own = (homes.unsqueeze(2) == homes.unsqueeze(1)) & earlier
    seen = torch.cat([real.unsqueeze(1).expand(-1, count, -1), own], dim=2)
    nothing = torch.zeros(seen.shape, dtype=dtype, device=real.device)
    return nothing.masked_fill(~seen, torch.finfo(dtype).min).unsqueeze(1)


def _dtype(model: Any) -> torch.dtype:
    dtype: torch.dtype = model.dtype
    return dtype
