"""Schedules: pure functions from a task order to the stages of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvit_bench.records.manifest import Schedule


@dataclass(frozen=True)
class StagePlan:
    """One stage to be trained.

    Attributes:
        tasks: what it trains on, mixed.
        parent: the stage whose adapter it starts from; None starts afresh from the base.
        num_shares: how many stages' worth of steps it gets.
        past: the tasks of the stages that the parent goes back to.
        shots: how many samples of a class it sees, beside the sequence; None: all samples, in it.
    """

    name: str
    tasks: tuple[str, ...]
    parent: str | None
    num_shares: int = 1
    past: tuple[str, ...] = ()
    shots: int | None = None


def plan_stages(
    schedule: Schedule, train_tasks: Sequence[str], few_shot: Mapping[str, Sequence[int]] | None = None
) -> tuple[StagePlan, ...]:
    """Return the stages of a schedule.

    none: no stage, the base alone. sequential: task after task, each from the stage before.
    multitask: one stage on all tasks together, with the steps of the whole sequence. per_task: one stage a
    task, each afresh from the base. `few_shot` names unseen tasks and how many samples a class each of their
    stages sees; they start from the last stage of a sequence or from the multitask one.
    """
    if schedule == "none":
        return ()
    if schedule == "multitask":
        plans: tuple[StagePlan, ...] = (
            StagePlan("01-multitask", tuple(train_tasks), None, len(train_tasks)),
        )
        return plans + _few_shot(plans[-1], few_shot or {})
    names = [f"{number:02d}-{task}" for number, task in enumerate(train_tasks, start=1)]
    if schedule == "per_task":
        return tuple(StagePlan(name, (task,), None) for name, task in zip(names, train_tasks, strict=True))
    plans = tuple(
        StagePlan(name, (task,), names[at - 1] if at else None, past=tuple(train_tasks[:at]))
        for at, (name, task) in enumerate(zip(names, train_tasks, strict=True))
    )
    return plans + _few_shot(plans[-1], few_shot or {})


def _few_shot(last: StagePlan, few_shot: Mapping[str, Sequence[int]]) -> tuple[StagePlan, ...]:
    past = last.past + last.tasks
    return tuple(
        StagePlan(f"few-{task}-{shots:02d}", (task,), last.name, past=past, shots=shots)
        for task, counts in few_shot.items()
        for shots in counts
    )
