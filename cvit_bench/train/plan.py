"""What a training would do: pure functions from settings and sample counts to steps and learning rates."""

import math
from collections.abc import Callable, Sequence

from cvit_bench.records.training import TrainingBudget
from cvit_bench.records.training_plan import RatePoint, StageSteps
from cvit_bench.train.optimizing import rate_factor
from cvit_bench.train.schedules import StagePlan

SampleCount = Callable[[str, int | None], int | None]


def planned_steps(
    stages: Sequence[StagePlan], count: SampleCount, budget: TrainingBudget
) -> tuple[StageSteps, ...]:
    """Return samples and optimizer steps of each stage.

    `count` tells the number of train samples of a task, all or with so many of each class; None: not known.
    """
    planned = []
    for stage in stages:
        known = [count(task, stage.shots) for task in stage.tasks]
        samples = None if None in known else sum(number or 0 for number in known)
        steps = stage_steps(stage, samples, budget)
        planned.append(StageSteps(name=stage.name, tasks=stage.tasks, samples=samples, steps=steps))
    return tuple(planned)


def stage_steps(stage: StagePlan, num_samples: int | None, budget: TrainingBudget) -> int | None:
    """Return the optimizer steps of a stage, None where they depend on samples that nobody has counted."""
    return stage.fixed_steps(budget) if num_samples is None else stage.num_steps(budget, num_samples)


def total_steps(stages: Sequence[StageSteps]) -> int | None:
    """Return the steps of all stages together, None where those of one are not known."""
    known = [stage.steps for stage in stages if stage.steps is not None]
    return sum(known) if len(known) == len(stages) else None


def rate_points(stages: Sequence[StageSteps], budget: TrainingBudget) -> tuple[RatePoint, ...]:
    """Return the learning rate at the ends and in the middle of warm-up and rest of the first known stage."""
    num_steps = next((stage.steps for stage in stages if stage.steps is not None), None)
    if num_steps is None:
        return ()
    warmup = math.ceil(budget.warmup_share * num_steps)
    at = {1, max(1, warmup // 2), max(1, warmup), (warmup + num_steps) // 2, num_steps}
    return tuple(
        RatePoint(step=step, rate=budget.learning_rate * rate_factor(budget, step - 1, num_steps))
        for step in sorted(at)
        if 1 <= step <= num_steps
    )
