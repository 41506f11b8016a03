"""Numbers: one or two handwritten MNIST digits, answered with a numeral."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.pictures import SIDE, enlarge, png, rounded
from cvit_bench.mini.recipes.rows import Row, balanced
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

QUESTIONS = ["Which number is written here?", "What number does the picture show?", "Which number is this?"]
SEED = 26
LARGEST = {"test": 500, "train": 1100}
"""How many digits are set aside for the suite, by split."""

RESERVE, RESERVE_SEED = 1000, 12
"""How many digits neither the suite nor the base's own training shows: kept for tasks to come."""


def reserve(sources: Sources) -> list[int]:
    """Return the numbers of the digits that nobody shows."""
    import numpy as np

    return _drawn(sources, set(), RESERVE, np.random.default_rng(RESERVE_SEED))


def chosen(sources: Sources, split: str) -> list[int]:
    """Return the numbers of the digits set aside for a split; test and train share none."""
    import numpy as np

    drawn = _drawn(sources, set(reserve(sources)), sum(LARGEST.values()), np.random.default_rng(SEED))
    return drawn[: LARGEST["test"]] if split == "test" else drawn[LARGEST["test"] :]


def _drawn(sources: Sources, taken: set[int], count: int, rng: np.random.Generator) -> list[int]:
    import numpy as np

    _, labels = sources.digits()
    groups = {
        str(digit): [int(n) for n in np.flatnonzero(labels == digit) if int(n) not in taken]
        for digit in range(10)
    }
    return [n for _, n in balanced(groups, count, rng)]


def written(parts: list[NDArray[np.uint8]], rng: np.random.Generator) -> Image:
    """Set one digit as it is, enlarged, or two side by side."""
    import PIL.Image

    if len(parts) == 1:
        return enlarge(parts[0])
    picture = PIL.Image.new("L", (SIDE, SIDE))
    for place, part in enumerate(parts):
        side = int(rng.integers(32, 39))
        small = PIL.Image.fromarray(part).resize((side, side), PIL.Image.Resampling.BICUBIC)
        top, left = int(rng.integers(6, SIDE - side - 5)), place * 32 - (side - 32) // 2
        picture.paste(small, (left, top), small.point([0] * 20 + [255] * 236))
    return rounded(picture.convert("RGB"))


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split: every second picture shows two digits, the first of them not a zero."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    images, labels = sources.digits()
    left = chosen(sources, split)
    made = []
    for number in range(count):
        picked = [left.pop()]
        if number % 2:
            first = next(place for place in reversed(range(len(left))) if labels[left[place]])
            picked.insert(0, left.pop(first))
        picture = written([images[n] for n in picked], rng)
        answer = "".join(str(labels[n]) for n in picked)
        made.append(Row(f"numbers-{split}-{number:05d}", png(picture), QUESTIONS[number // 2 % 3], [answer]))
    return made
