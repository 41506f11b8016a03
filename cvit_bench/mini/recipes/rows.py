"""The row every recipe makes, and the draws that keep answers balanced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

Item = TypeVar("Item")


@dataclass(frozen=True)
class Row:
    """One sample as it is stored: the question's content without any request for a form."""

    id: str
    image: bytes
    question: str
    answers: list[str]
    choices: list[str] = field(default_factory=list)


def balanced(groups: dict[str, list[Item]], count: int, rng: np.random.Generator) -> list[tuple[str, Item]]:
    """Draw `count` items without repeats, as evenly over the groups as they allow, in shuffled order."""
    names = list(groups)
    queues = {name: [groups[name][place] for place in rng.permutation(len(groups[name]))] for name in names}
    drawn = [(names[turn % len(names)], queues[names[turn % len(names)]].pop()) for turn in range(count)]
    return [drawn[place] for place in rng.permutation(count)]


def spread(values: Sequence[Item], count: int, rng: np.random.Generator) -> list[Item]:
    """Repeat the values evenly up to `count`, shuffled."""
    return [values[place % len(values)] for place in rng.permutation(count)]


def unseen(rows: Iterable[Row], seen: set[bytes]) -> list[Row]:
    """Keep the rows whose picture is new, and remember it."""
    kept = []
    for row in rows:
        if row.image not in seen:
            seen.add(row.image)
            kept.append(row)
    return kept
