"""Which cells an evaluation answers, in the order that swaps adapters least."""

from collections.abc import Sequence

from cvit_bench.data.prompts import evaluation_variants
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.weights import StageWeights
from cvit_bench.records.choices import CellChoice
from cvit_bench.records.plan import EvaluationPlan, PlannedCell, PlannedFewShot, PlannedStage
from cvit_bench.records.versions import package_versions

RUNNER_VERSION = 1


def make_plan(
    inputs: RunInputs,
    stages: Sequence[StageWeights],
    cells: CellChoice,
    variants: int | None,
    batch_size: int,
    placement: dict[str, object],
) -> EvaluationPlan:
    """Plan the cells of a run.

    `full`: every stage × every task. `lower`: at each stage the tasks trained so far, and the unseen
    tasks at the last stage. `final`: every task at the last stage. `variants`: how many, None for all.
    The stages of a per-task run do not follow one another: each is asked its own task, whatever is chosen.
    So is a stage on a few samples of an unseen task.
    """
    sequence = [stage for stage in stages if stage.shots is None]
    beside = [stage for stage in stages if stage.shots is not None]
    _check_tasks(inputs, sequence, inputs.suite.train, "train")
    _check_tasks(inputs, beside, inputs.suite.unseen, "unseen")
    asked = [(stage, _tasks_of(inputs, sequence, at, cells)) for at, stage in enumerate(sequence)]
    planned = [
        PlannedCell(stage=stage.name, task=task, variant=variant.id)
        for stage, tasks in [*asked, *((stage, stage.tasks) for stage in beside)]
        for task in tasks
        for variant in evaluation_variants(inputs.template(task), variants)
    ]
    return EvaluationPlan(
        suite=inputs.suite_spec,
        suite_version=inputs.suite.version,
        stages=tuple(PlannedStage(name=s.name, tasks=s.tasks, weights=s.sha256) for s in sequence),
        few_shot=tuple(
            PlannedFewShot(name=s.name, task=s.tasks[0], shots=s.shots, weights=s.sha256)
            for s in beside
            if s.shots is not None
        ),
        cells=tuple(planned),
        limit=inputs.limit,
        batch_size=batch_size,
        generation={
            "decoding": "greedy",
            "runner": RUNNER_VERSION,
            "placement": placement,
            "packages": package_versions(),
        },
    )


def _tasks_of(
    inputs: RunInputs, stages: Sequence[StageWeights], at: int, cells: CellChoice
) -> tuple[str, ...]:
    suite, is_last = inputs.suite, at == len(stages) - 1
    if inputs.manifest.schedule == "per_task":
        return stages[at].tasks
    if cells is CellChoice.FULL:
        return suite.tasks
    if cells is CellChoice.FINAL:
        return suite.tasks if is_last else ()
    trained = {task for stage in stages[: at + 1] for task in stage.tasks}
    seen = tuple(task for task in suite.train if task in trained)
    return (*seen, *suite.unseen) if is_last else seen


def _check_tasks(inputs: RunInputs, stages: Sequence[StageWeights], wanted: Sequence[str], kind: str) -> None:
    strangers = sorted({task for stage in stages for task in stage.tasks} - set(wanted))
    if strangers:
        known = ", ".join(wanted)
        raise CvitBenchError(
            f"{inputs.run_dir}/manifest.json: stages: {', '.join(strangers)}: not among the {kind} tasks of "
            f"suite {inputs.suite.name!r} (its {kind} tasks: {known})"
        )
