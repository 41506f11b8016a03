"""The gates of the embedded suite as pure functions of its score matrices, in percent.

Captions count with their CIDEr × 100, the percent scale of every matrix and of AP; where an average mixes
them with accuracies the same figure without captioning stands beside it and has to pass as well.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cvit_bench import plugins
from cvit_bench.metrics import ap, ap_no_caption, bwt_tm1
from cvit_bench.records.matrix import ScoreMatrix
from cvit_bench.records.results import Matrix, Results

ZERO_SHOT_S = (2.0, 50.0)
ZERO_SHOT_F = 10.0
ZERO_SHOT_SHARE = Fraction(4, 6)
PER_TASK_S = 60.0
PER_TASK_SHARE = Fraction(5, 6)
JOINT_RATIO = 0.85
BWT = -20.0
DEGREES = (0.1, 0.9)
HALF_SHARE = 0.15
BLANK_POINTS = 10.0
TRAIN_SECONDS = 180.0
EVALUATE_SECONDS = 60.0


@dataclass(frozen=True)
class Verdict:
    """One line of the gate table.

    Attributes:
        passed: None where there was nothing to judge.
        counts: False where the machine decides and not the suite.
    """

    gate: str
    measured: str
    required: str
    passed: bool | None
    counts: bool = True

    @property
    def word(self) -> str:
        """Return the verdict as the table shows it."""
        return "–" if self.passed is None else "pass" if self.passed else "FAIL"


@dataclass(frozen=True)
class Knowledge:
    """S and G in percent: right as asked, and known but not said as asked."""

    strict: float
    unsaid: float

    @property
    def known(self) -> float:
        """K = S + G."""
        return self.strict + self.unsaid


@dataclass(frozen=True)
class Split:
    """What a task lost from its own stage to the last one, in points: ΔS = ΔK + growth of G."""

    own: Knowledge
    last: Knowledge
    lenient: float = 0.0

    @property
    def strict(self) -> float:
        """ΔS = S[own] − S[last]."""
        return self.own.strict - self.last.strict

    @property
    def known(self) -> float:
        """ΔK = K[own] − K[last]: visual understanding."""
        return self.own.known - self.last.known

    @property
    def unsaid(self) -> float:
        """G[last] − G[own], written ΔG in the gate: instruction following."""
        return self.last.unsaid - self.own.unsaid


def score_matrix(results: Results, values: Matrix) -> ScoreMatrix:
    """Return one matrix of a run's results in the shape that metrics read."""
    scorers = {task.name: plugins.load(plugins.SCORERS, task.scorer) for task in results.tasks}
    return ScoreMatrix(
        values=np.array([[np.nan if value is None else value for value in row] for row in values]),
        stages=tuple(stage.name for stage in results.stages),
        tasks=tuple(scorers),
        trained=tuple(stage.tasks for stage in results.stages),
        num_unseen=sum(task.unseen for task in results.tasks),
        open_ended=frozenset(name for name, scorer in scorers.items() if scorer.OPEN_ENDED),
    )


def zero_shot(strict: ScoreMatrix, form: ScoreMatrix) -> Verdict:
    """Something to gain and something to lose: 2 ≤ S ≤ 50 and F ≥ 10 on four of six train tasks."""
    low, high = ZERO_SHOT_S
    good = [
        task
        for task in strict.train_tasks
        if low <= strict.cell(0, task) <= high and form.cell(0, task) >= ZERO_SHOT_F
    ]
    required = f"≥ {_at_least(ZERO_SHOT_SHARE, strict)} of {len(strict.train_tasks)} tasks"
    passed = len(good) >= _at_least(ZERO_SHOT_SHARE, strict)
    return Verdict("zero-shot: S 2 to 50, F ≥ 10", _named(good), required, passed)


def per_task(own: ScoreMatrix) -> Verdict:
    """Every task can be learned alone: S ≥ 60 on five of six."""
    scores = zip(own.train_tasks, _diagonal(own), strict=True)
    good = [task for task, score in scores if score >= PER_TASK_S]
    needed = _at_least(PER_TASK_SHARE, own)
    required = f"≥ {needed} of {len(own.train_tasks)} tasks"
    return Verdict("per-task LoRA: S ≥ 60", _named(good), required, len(good) >= needed)


def joint(together: ScoreMatrix, own: ScoreMatrix) -> Verdict:
    """One model can hold all tasks: AP ≥ 0.85 × the mean of per-task training, with and without captions."""
    alone = dict(zip(own.train_tasks, _diagonal(own), strict=True))
    closed = [score for task, score in alone.items() if task not in own.open_ended]
    ratio = ap.compute(together) / float(np.mean(list(alone.values())))
    bare = ap_no_caption.compute(together) / float(np.mean(closed))
    return Verdict(
        "joint LoRA: AP / per-task mean",
        f"{ratio:.2f}, without captions {bare:.2f}",
        f"both ≥ {JOINT_RATIO}",
        min(ratio, bare) >= JOINT_RATIO,
    )


def forgetting(sequence: ScoreMatrix) -> Verdict:
    """Sequential LoRA forgets: BWT ≤ −20 points, with and without captions."""
    changes = dict(zip(sequence.sequence()[:-1], sequence.backward_changes(), strict=True))
    total = bwt_tm1.compute(sequence)
    bare = float(np.mean([change for task, change in changes.items() if task not in sequence.open_ended]))
    measured = f"{total:.1f}, without captions {bare:.1f}"
    return Verdict("sequential LoRA: BWT", measured, f"both ≤ {BWT:.0f}", max(total, bare) <= BWT)


def by_degrees(sequence: ScoreMatrix) -> Verdict:
    """Forgetting passes through the middle: half of the forgotten tasks are partly there at some later stage.

    Forgotten: S at the last stage below 90 % of S at the task's own stage. Partly there: strictly between
    10 % and 90 % of it at some later stage, the last one included.
    """
    low, high = DEGREES
    forgotten, partly = [], []
    for stage, task in enumerate(sequence.sequence()[:-1], start=1):
        own = sequence.cell(stage, task)
        later = [sequence.cell(at, task) for at in range(stage + 1, sequence.last + 1)]
        if later[-1] >= high * own:
            continue
        forgotten.append(task)
        if any(low * own < value < high * own for value in later):
            partly.append(task)
    measured = f"{len(partly)} of {len(forgotten)} forgotten: {', '.join(partly) or 'none'}"
    passed = bool(forgotten) and 2 * len(partly) >= len(forgotten)
    return Verdict("sequential LoRA: by degrees", measured, "≥ half of the forgotten tasks", passed)


def both_halves(splits: Mapping[str, Split]) -> Verdict:
    """Seeing and obeying are both lost: ΔK and ΔG each at least 15 % of ΔS, averaged over closed tasks."""
    gate, required = "sequential LoRA: ΔK and ΔG of ΔS", f"each ≥ {HALF_SHARE:.0%}"
    lost = mean_split(splits)
    if lost is None or lost[0] <= 0:
        return Verdict(gate, "nothing is lost", required, False)
    seeing, obeying = lost[1] / lost[0], lost[2] / lost[0]
    measured = f"ΔS {lost[0]:.1f}: ΔK {seeing:.0%}, ΔG {obeying:.0%}"
    return Verdict(gate, measured, required, min(seeing, obeying) >= HALF_SHARE)


def mean_split(splits: Mapping[str, Split]) -> tuple[float, float, float, float] | None:
    """Return the means of ΔS, ΔK, ΔG and lenient ΔK over tasks; None without a task."""
    rows = [(split.strict, split.known, split.unsaid, split.lenient) for split in splits.values()]
    if not rows:
        return None
    strict, known, unsaid, lenient = np.mean(rows, axis=0).tolist()
    return strict, known, unsaid, lenient


def blank_image(answered: Mapping[str, tuple[float, float]]) -> Verdict:
    """Questions need their picture: S with a blank one is at most 10 points above a constant answer's."""
    over = [task for task, (score, constant) in answered.items() if score - constant > BLANK_POINTS]
    worst = max((score - constant for score, constant in answered.values()), default=0.0)
    measured = f"at most {worst:+.1f}" + (f"; over: {', '.join(over)}" if over else "")
    return Verdict("blank image: S − constant answer", measured, f"≤ {BLANK_POINTS:+.0f} each", not over)


def in_time(what: str, seconds: float | None, largest: float, processes: int) -> Verdict:
    """State whether a measured time is within its limit; a run that was resumed has no time."""
    gate, required = f"time: {what} (machine dependent)", f"≤ {largest:.0f} s"
    if seconds is None:
        return Verdict(gate, "not measured: the run was resumed", required, None, counts=False)
    measured = f"{seconds:.0f} s, up to {processes} processes at a time"
    return Verdict(gate, measured, required, seconds <= largest, counts=False)


def _at_least(share: Fraction, matrix: ScoreMatrix) -> int:
    """Return a share of the train tasks as a whole number, rounded up."""
    return math.ceil(share * len(matrix.train_tasks))


def _diagonal(own: ScoreMatrix) -> list[float]:
    """Return what each train task reaches alone, in the order of the columns."""
    scores = dict(zip(own.sequence(), own.just_learned().tolist(), strict=True))
    return [scores[task] for task in own.train_tasks]


def _named(tasks: Sequence[str]) -> str:
    return f"{len(tasks)}: {', '.join(tasks) or 'none'}"
