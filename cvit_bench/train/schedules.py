"""Schedules: pure functions from a task order to the stages of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from cvit_bench.records.manifest import Schedule


@dataclass(frozen=True)
class StagePlan:
    """One stage to be trained.

    Attributes:
        tasks: what it trains on, mixed.
        parent: the stage whose adapter it starts from; None starts afresh from the base.
        num_shares: how many stages' worth of steps it gets.
    """

    name: str
    tasks: tuple[str, ...]
    parent: str | None
    num_shares: int


def plan_stages(schedule: Schedule, train_tasks: Sequence[str]) -> tuple[StagePlan, ...]:
    """Return the stages of a schedule.

    none: no stage, the base alone. sequential: task after task, each from the stage before.
    multitask: one stage on all tasks together, with the steps of the whole sequence. per_task: one stage a
    task, each afresh from the base.
    """
    if schedule == "none":
        return ()
    if schedule == "multitask":
        return (StagePlan("01-multitask", tuple(train_tasks), None, len(train_tasks)),)
    names = [f"{number:02d}-{task}" for number, task in enumerate(train_tasks, start=1)]
    parents = [None] * len(names) if schedule == "per_task" else [None, *names[:-1]]
    return tuple(
        StagePlan(name, (task,), parent, 1)
        for name, task, parent in zip(names, train_tasks, parents, strict=True)
    )
