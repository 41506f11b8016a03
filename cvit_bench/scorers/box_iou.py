"""A box by its overlap with a reference: intersection over union (RefCOCO's rule, as in CoIN's Grounding).

    IoU    area(a ∩ b) / area(a ∪ b), the best over the references
    S = 1  the whole answer is one box of the form asked for, and IoU > 0.5
    K      max(S, IoU of the one box that is found in the output, in any shape); no box or two boxes: 0
    F      four numbers in square brackets (`records.form`), whatever they are

A box is `[x1, y1, x2, y2]`: left, top, right, bottom as shares of the picture, 0 ≤ x1 < x2 ≤ 1 and the same
for y. Swapped corners, no area, values outside [0, 1], `nan` and `inf` are no box; percent and pixels are not
guessed. Without brackets exactly four numbers are a box; numbers beside a bracketed box do not compete with
it, unless they could be a box themselves.

K carries the overlap: where S = 0 it is the IoU itself, so a box that just misses keeps what it covers. It is
1 wherever S is (S ≤ K), so the mean of K is at least the mean IoU.

The script released with CoIN drops the first and the last character of an answer whose brackets are gone
already, and so reads other numbers; nothing of this is done here.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "Box IoU > 0.5"
OPEN_ENDED = False
HIGHEST = 1.0

_THRESHOLD = 0.5 + 1e-9
_NUMBER = re.compile(
    r"(?<![\w.])([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?))(?!\.?\w)(\s?%)?",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\[[^\[\]()]*\]|\([^\[\]()]*\)")
_ONE_GROUP = re.compile(r"\s*\[[^\[\]()]*\]\s*")


class _Box(NamedTuple):
    """Left, top, right, bottom as shares of the picture."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def area(self) -> float:
        return (self.x2 - self.x1) * (self.y2 - self.y1)


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score boxes against their references (S in {0, 1}, K in [0, 1])."""
    return [_judge(task, sample, text) for sample, text in items]


def _judge(task: Task, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    references = [_reference(sample, answer) for answer in sample.answers]
    found = _only_box(text)
    if found is None:
        return Score(strict=0.0, knowledge=0.0, form=form, extracted=text.strip())
    overlap = max((_iou(found, reference) for reference in references), default=0.0)
    strict = float(form and overlap > _THRESHOLD)
    return Score(strict, max(strict, overlap), form, str(list(found)))


def _reference(sample: Sample, answer: str) -> _Box:
    box = _known_box(answer)
    if box is None:
        raise CvitBenchError(
            f"sample {sample.id!r}: answers: {answer!r} is no box [x1, y1, x2, y2] of shares between 0 and 1"
        )
    return box


@lru_cache(maxsize=1 << 14)
def _known_box(answer: str) -> _Box | None:
    """Return the box of a reference; kept for the next answers to the same sample."""
    return _only_box(answer)


def _only_box(text: str) -> _Box | None:
    """Return the one box that a text names; None for no box, for a broken one, and for two different ones."""
    if _ONE_GROUP.fullmatch(text) and len(whole := _numbers(text)) == 4:
        return _box(*whole)
    bracketed = [numbers for match in _BRACKETED.finditer(text) if len(numbers := _numbers(match[0])) == 4]
    rest = _numbers(_BRACKETED.sub(_without_box, text))
    named = {tuple(numbers) for numbers in (*bracketed, *_fours(rest, is_all=not bracketed))}
    return _box(*named.pop()) if len(named) == 1 else None


def _without_box(group: re.Match[str]) -> str:
    return " " if len(_numbers(group[0])) == 4 else group[0]


def _fours(numbers: Sequence[float], is_all: bool) -> Iterable[Sequence[float]]:
    """Cut loose numbers into fours; beside bracketed boxes fewer than four are no competitor."""
    if is_all and len(numbers) % 4:
        return []
    return [numbers[at : at + 4] for at in range(0, len(numbers) - len(numbers) % 4, 4)]


def _numbers(text: str) -> list[float]:
    """Return the numbers of a text; percent is no share, whatever its value."""
    return [math.inf if percent else float(number) for number, percent in _NUMBER.findall(text)]


def _box(*numbers: float) -> _Box | None:
    box = _Box(*numbers)
    is_ordered = 0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1
    return box if is_ordered and box.area > 0 else None


def _iou(one: _Box, other: _Box) -> float:
    """Return the intersection over union of two boxes, in [0, 1]."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(0.0, width) * max(0.0, height)
    return min(1.0, shared / (one.area + other.area - shared))
