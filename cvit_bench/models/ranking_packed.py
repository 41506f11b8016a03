"""All answers of a prompt in one pass that continues it, packed as a tree: what they begin with alike once.

The mask lets each token see the prompt and the tokens before it in its own answers, and each counts positions
on from the prompt. That is the same as a pass for each answer wherever the positions of a pass see each other
in attention alone.

Legend: B prompts, L positions of the longest one, P nodes of the largest tree, V words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.models.cache import continued
from cvit_bench.models.prefix import Prefix, Tokens, first_words

_ROOM = 1 << 26
"""How many numbers the scores of one pass may hold, B · P · V."""

Said = Sequence[tuple[int, tuple[int, ...]]]
"""Some answers to a prompt: their numbers and their tokens."""


@dataclass(frozen=True)
class _Tree:
    """Answers to one prompt; a node stands for all answers that begin with the tokens down to it.

    Attributes:
        paths: the nodes down to each one, itself the last; their number is its place in the answers.
        tokens: the token of each node.
        asked: a node, the token that follows it in an answer or that answer's end, and the answer's number.
    """

    paths: list[tuple[int, ...]]
    tokens: list[int]
    asked: list[tuple[int, int, int]]

    def __len__(self) -> int:
        return len(self.tokens)

    def sees(self, size: int) -> torch.Tensor:
        """Return which of `size` positions each one looks at, bool [size, size]; spare ones at none."""
        found = torch.zeros(size, size, dtype=torch.bool)
        pairs = [(node, before) for node, path in enumerate(self.paths) for before in path]
        if pairs:
            found[tuple(torch.tensor(pairs).unbind(1))] = True
        return found


def packed_sums(
    model: Any, prefix: Prefix, answers: Sequence[Sequence[Tokens]], end: int
) -> list[list[float]]:
    """Return Σ ln p of each answer to each prompt and of its end, all of a prompt's in one pass."""
    sums = first_words(prefix, answers, end)
    kinds: dict[tuple[tuple[int, ...], ...], list[_Tree]] = {}
    trees = []
    for said in answers:
        key = tuple(map(tuple, said))
        if key not in kinds:
            kinds[key] = [_tree(part, end) for part in _cut(key, _most(prefix.first.numel()))]
        trees.append(kinds[key])
    for number in range(max(map(len, trees), default=0)):
        piece = [row[number] if number < len(row) else _tree((), end) for row in trees]
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


def _cut(answers: Sequence[tuple[int, ...]], room: int) -> Iterator[Said]:
    """Cut the answers to a prompt into parts whose trees have at most `room` nodes (or one answer)."""
    part: list[tuple[int, tuple[int, ...]]] = []
    nodes: set[tuple[int, ...]] = set()
    for number, tokens in enumerate(answers):
        down = {tokens[: at + 1] for at in range(len(tokens))}
        if part and len(nodes) + len(down - nodes) > room:
            yield part
            part, nodes = [], set()
        if tokens:
            part.append((number, tokens))
            nodes |= down
    if part:
        yield part


def _tree(said: Said, end: int) -> _Tree:
    found = _Tree([], [], [])
    nodes: dict[tuple[int, ...], int] = {}
    for number, tokens in said:
        path: tuple[int, ...] = ()
        for at, follower in enumerate((*tokens[1:], end)):
            place = tokens[: at + 1]
            if place not in nodes:
                nodes[place] = len(found.tokens)
                found.tokens.append(tokens[at])
                found.paths.append((*path, nodes[place]))
            path = found.paths[nodes[place]]
            found.asked.append((nodes[place], follower, number))
    return found


def _add_packed(
    model: Any, prefix: Prefix, trees: Sequence[_Tree], end: int, sums: list[list[float]]
) -> None:
    """Add ln p of all words after the first one."""
    device, size = prefix.first.device, max(map(len, trees))
    spare = [size - len(tree) for tree in trees]
    tokens = [tree.tokens + [end] * more for tree, more in zip(trees, spare, strict=True)]
    places = [
        [len(path) - 1 for path in tree.paths] + [0] * more for tree, more in zip(trees, spare, strict=True)
    ]
    scores = model(
        input_ids=torch.tensor(tokens, device=device),
        attention_mask=_mask(prefix.real, trees, size, model.dtype),
        position_ids=prefix.next[:, None] + torch.tensor(places, device=device),
        past_key_values=continued(prefix.cache),
        use_cache=True,
    ).logits.float()
    asked = [(row, *one) for row, tree in enumerate(trees) for one in tree.asked]
    rows, nodes, words, _ = torch.tensor(asked, device=device).unbind(1)
    found = scores[rows, nodes, words] - scores.logsumexp(dim=-1)[rows, nodes]
    for (row, _, _, number), value in zip(asked, found.tolist(), strict=True):
        sums[row][number] += value


def _mask(real: torch.Tensor, trees: Sequence[_Tree], size: int, dtype: torch.dtype) -> torch.Tensor:
    """Return what is added to attention, [B, 1, P, L + P]: 0 where a position may look."""
    kinds = {id(tree): tree for tree in trees}
    own = {key: tree.sees(size).to(real.device) for key, tree in kinds.items()}
    answers = torch.stack([own[id(tree)] for tree in trees])
    seen = torch.cat([real.unsqueeze(1).expand(-1, size, -1), answers], dim=2)
    nothing = torch.zeros(seen.shape, dtype=dtype, device=real.device)
    return nothing.masked_fill(~seen, torch.finfo(dtype).min).unsqueeze(1)
