"""Grounding (RefCOCO) as CoIN scores it: IoU > 0.5 of whatever numbers are left after careless cutting.

All square brackets go first, then the first and the last *character* of what is left, so `[1.00, 0.2, 0.3,
0.4]` is read as 0, 0.2, 0.3 and 0. Four numbers between commas are a box, with corners in any order. The
script scales both boxes to pixels, which changes no ratio. CoIN has no rule for the form.
"""

from collections.abc import Sequence

from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "IoU > 0.5, cut brackets"
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    box = _numbers(text.removeprefix(" ").replace("[", "").replace("]", "")[1:-1])
    golds = [_numbers(gold.replace("[", "").replace("]", "")) for gold in sample.answers]
    is_right = len(box) == 4 and any(len(gold) == 4 and _iou(box, gold) > 0.5 for gold in golds)
    return ReleasedScore(float(is_right), None, ", ".join(map(str, box)) or text)


def _numbers(text: str) -> Sequence[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return []


def _iou(one: Sequence[float], two: Sequence[float]) -> float:
    width = max(0, min(one[2], two[2]) - max(one[0], two[0]))
    height = max(0, min(one[3], two[3]) - max(one[1], two[1]))
    sides = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    union = sum(sides) - width * height
    return width * height / union if union > 0 else 0.0
