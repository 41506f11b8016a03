"""Which prompts are read together: rows of like length, and those that begin alike behind one another.

Prompts on one picture share its tokens, the system's words before it and often the question behind it. Where
the method allows, a group of them is read once up to the first token that differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WORTH = 0.8
"""Reading in groups must leave at most this share of the tokens to be worth a second pass."""


@dataclass(frozen=True)
class Asked:
    """A prompt as tokens: its place among those asked, its picture's hash, its budget of new tokens."""

    at: int
    ids: Sequence[int]
    picture: str | None
    budget: int


@dataclass(frozen=True)
class Group:
    """Prompts whose first `shared` tokens are the same; 0: read whole."""

    rows: tuple[Asked, ...]
    shared: int = 0

    @property
    def rest(self) -> int:
        """Tokens of the longest row behind the shared ones."""
        return max(len(row.ids) for row in self.rows) - self.shared


@dataclass(frozen=True)
class Rules:
    """What a method and a device allow.

    Attributes:
        share: whether beginnings may be read once.
        equal: whether only rows of one length go together: no padding.
        max_tokens: how many tokens a pass reads at most; None: all at once.
        image_token: the token that stands for a piece of a picture.
    """

    share: bool
    equal: bool
    max_tokens: int | None
    image_token: int | None


def cut_passes(asked: Sequence[Asked], rules: Rules) -> list[list[Group]]:
    """Return the groups of each pass; within one either all share a beginning or none does."""
    groups = list(_groups(asked, rules))
    apart = sorted((group for group in groups if not group.shared), key=_size)
    alike = sorted((group for group in groups if group.shared), key=_size)
    return [*_cut(apart, rules), *_cut(alike, rules)]


def _size(group: Group) -> tuple[int, int, int]:
    return group.shared, group.rest, group.rows[0].at


def _groups(asked: Sequence[Asked], rules: Rules) -> Iterator[Group]:
    by_picture: dict[str | int, list[Asked]] = {}
    for row in asked:
        alone = not rules.share or row.picture is None
        by_picture.setdefault(row.at if alone or row.picture is None else row.picture, []).append(row)
    for rows in by_picture.values():
        shared = _shared(rows, rules.image_token) if len(rows) > 1 else 0
        if shared:
            yield Group(tuple(rows), shared)
        else:
            yield from (Group((row,)) for row in rows)


def _shared(rows: Sequence[Asked], image_token: int | None) -> int:
    """Return how many first tokens are read once: 0 unless they hold the picture and that is worth it."""
    low, high = min(tuple(row.ids) for row in rows), max(tuple(row.ids) for row in rows)
    alike = next((at for at, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), len(low))
    alike = min(alike, *(len(row.ids) - 1 for row in rows))
    if any(image_token in row.ids[alike:] for row in rows):
        return 0
    total = sum(len(row.ids) for row in rows)
    return alike if total - alike * (len(rows) - 1) <= _WORTH * total else 0


def _cut(groups: Sequence[Group], rules: Rules) -> Iterator[list[Group]]:
    """Cut sorted groups into passes."""
    chosen: list[Group] = []
    for group in groups:
        if chosen and not _fits([*chosen, group], rules):
            yield chosen
            chosen = []
        chosen.append(group)
    if chosen:
        yield chosen


def _fits(groups: Sequence[Group], rules: Rules) -> bool:
    if rules.equal and len({len(row.ids) for group in groups for row in group.rows}) > 1:
        return False
    num_rows = sum(len(group.rows) for group in groups)
    first = len(groups) * max(group.shared for group in groups)
    tokens = first + num_rows * max(group.rest for group in groups)
    return rules.max_tokens is None or tokens <= rules.max_tokens
