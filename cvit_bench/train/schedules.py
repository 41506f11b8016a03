"""Schedules: pure functions from a task order to the stages of a run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cvit_bench.records.manifest import Schedule
from cvit_bench.records.training import TrainingBudget


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

    def num_steps(self, budget: TrainingBudget, num_samples: int) -> int:
        """Return the optimizer steps of the stage with so many samples."""
        fixed = self.fixed_steps(budget)
        if fixed is not None:
            return fixed
        return budget.num_steps(num_samples // self.num_shares) * self.num_shares

    def fixed_steps(self, budget: TrainingBudget) -> int | None:
        """Return the optimizer steps that a budget sets whatever the samples, None where they decide."""
        if self.shots is not None and budget.few_shot_steps is not None:
            return budget.few_shot_steps
        return None if budget.steps is None else budget.steps * self.num_shares


def plan_stages(
    schedule: Schedule,
    train_tasks: Sequence[str],
    few_shot: Mapping[str, Sequence[int]] | None = None,
    few_shot_base: bool = False,
) -> tuple[StagePlan, ...]:
    """Return the stages of a schedule.

    none: no stage, the base alone. sequential: task after task, each from the stage before.
    multitask: one stage on all tasks together, with the steps of the whole sequence. per_task: one stage a
    task, each afresh from the base. `few_shot` names unseen tasks and how many samples a class each of their
    stages sees; they start from the last stage of a sequence or from the multitask one, and with
    `few_shot_base` each has a twin that starts from the base: what they differ by is what the sequence added.
    """
    if schedule == "none":
        return ()
    if schedule == "multitask":
        joint = StagePlan("01-multitask", tuple(train_tasks), None, len(train_tasks))
        return (joint, *_few_shot(joint, few_shot or {}, few_shot_base))
    names = [f"{number:02d}-{task}" for number, task in enumerate(train_tasks, start=1)]
    if schedule == "per_task":
        return tuple(StagePlan(name, (task,), None) for name, task in zip(names, train_tasks, strict=True))
    plans = tuple(
        StagePlan(name, (task,), names[at - 1] if at else None, past=tuple(train_tasks[:at]))
        for at, (name, task) in enumerate(zip(names, train_tasks, strict=True))
    )
    return (*plans, *_few_shot(plans[-1], few_shot or {}, few_shot_base))


def _few_shot(last: StagePlan, few_shot: Mapping[str, Sequence[int]], from_base: bool) -> Iterator[StagePlan]:
    counts = [(task, shots) for task, wanted in few_shot.items() for shots in wanted]
    for task, shots in counts if from_base else ():
        yield StagePlan(f"few-{task}-{shots:02d}-base", (task,), None, shots=shots)
    for task, shots in counts:
        past = last.past + last.tasks
        yield StagePlan(f"few-{task}-{shots:02d}", (task,), last.name, past=past, shots=shots)
