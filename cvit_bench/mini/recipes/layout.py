"""Where several objects stand on one canvas: in pairs, in quarters, or anywhere apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.pictures import SIDE

if TYPE_CHECKING:
    import numpy as np

Spot = tuple[int, int, int]
"""Left, top and side of a square, in pixels."""


def pair(across: bool, rng: np.random.Generator) -> list[Spot]:
    """Return two spots, the left one first, or the upper one first."""
    spots = []
    for half in (0, 1):
        side = int(rng.integers(23, 31))
        along = half * 32 + int(rng.integers(0, 33 - side))
        other = int(rng.integers(8, SIDE - side - 7))
        spots.append((along, other, side) if across else (other, along, side))
    return spots


def cells(count: int, rng: np.random.Generator) -> list[Spot]:
    """Return up to four spots of one size, in the quarters of the canvas."""
    side = int(rng.integers(20, 28))
    quarters = rng.permutation(4)[:count]
    return [
        (
            int(quarter % 2) * 32 + int(rng.integers(0, 33 - side)),
            int(quarter // 2) * 32 + int(rng.integers(0, 33 - side)),
            side,
        )
        for quarter in quarters
    ]


def apart(count: int, smallest: int, largest: int, rng: np.random.Generator) -> list[Spot]:
    """Return spots of drawn sizes that do not overlap."""
    while True:
        spots: list[Spot] = []
        for _ in range(60):
            side = int(rng.integers(smallest, largest + 1))
            left, top = (int(corner) for corner in rng.integers(0, SIDE - side + 1, 2))
            if all(_free((left, top, side), spot) for spot in spots):
                spots.append((left, top, side))
            if len(spots) == count:
                return spots


def _free(one: Spot, two: Spot) -> bool:
    return (
        one[0] + one[2] <= two[0]
        or two[0] + two[2] <= one[0]
        or one[1] + one[2] <= two[1]
        or two[1] + two[2] <= one[1]
    )
