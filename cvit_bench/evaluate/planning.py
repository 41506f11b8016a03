"""Which cells an evaluation answers, in the order that swaps adapters least."""

from collections.abc import Sequence
from dataclasses import dataclass

from cvit_bench import plugins
from cvit_bench.data.prompts import evaluation_variants
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.weights import StageWeights
from cvit_bench.records.choices import BatchChoice, CellChoice, SplitChoice, TaskChoice
from cvit_bench.records.manifest import MANIFEST
from cvit_bench.records.plan import EvaluationPlan, PlannedCell, PlannedFewShot, PlannedStage
from cvit_bench.records.versions import package_versions

RUNNER_VERSION = 2


@dataclass(frozen=True)
class Wanted:
    """Which cells of the matrix, of which tasks, in how many wordings (None: all).

    Without a choice of tasks it is all of them on the test samples of a whole run. A shortened run, and
    validation samples of any, are asked about what was to be learned: nothing is chosen by unseen tasks.
    """

    cells: CellChoice = CellChoice.FULL
    tasks: TaskChoice | None = None
    variants: int | None = 1


def make_plan(
    inputs: RunInputs,
    stages: Sequence[StageWeights],
    wanted: Wanted,
    batch_size: BatchChoice,
    placement: dict[str, object],
) -> EvaluationPlan:
    """Plan the cells of a run.

    `full`: every stage × every task. `lower`: at each stage the tasks trained so far, and the unseen
    tasks at the last stage. `final`: every task at the last stage.
    The stages of a per-task run do not follow one another: each is asked its own task, whatever is chosen.
    So is a stage on a few samples of an unseen task.
    """
    sequence = [stage for stage in stages if stage.shots is None]
    beside = [stage for stage in stages if stage.shots is not None]
    _check_tasks(inputs, sequence, inputs.suite.train, "train")
    _check_tasks(inputs, beside, inputs.suite.unseen, "unseen")
    asked = _asked(inputs, wanted.tasks)
    _check_split(inputs, asked)
    _check_scorers(inputs, asked)
    rows = [(stage, _tasks_of(inputs, sequence, at, wanted.cells)) for at, stage in enumerate(sequence)]
    planned = [
        PlannedCell(stage=stage.name, task=task, variant=variant.id)
        for stage, tasks in [*rows, *((stage, stage.tasks) for stage in beside)]
        for task in tasks
        if task in asked
        for variant in evaluation_variants(inputs.template(task), wanted.variants)
    ]
    if not planned:
        raise CvitBenchError(
            f"{inputs.run_dir}: --cells {wanted.cells.value}: no stage of the run is asked any of "
            f"{', '.join(asked)}"
        )
    return EvaluationPlan(
        suite=inputs.suite_spec,
        suite_version=inputs.suite.version,
        split=inputs.split,
        stages=tuple(PlannedStage(name=s.name, tasks=s.tasks, weights=s.sha256) for s in sequence),
        few_shot=tuple(
            PlannedFewShot(
                name=s.name, task=s.tasks[0], shots=s.shots, weights=s.sha256, from_base=s.from_base
            )
            for s in beside
            if s.shots is not None and s.tasks[0] in asked
        ),
        cells=tuple(planned),
        limit=inputs.limit,
        design=inputs.design,
        batch_size=batch_size,
        generation={
            "decoding": "greedy",
            "runner": RUNNER_VERSION,
            "placement": placement,
            "packages": package_versions(),
        },
    )


def _asked(inputs: RunInputs, choice: TaskChoice | None) -> tuple[str, ...]:
    """Return the tasks that are asked, in suite order."""
    suite, first = inputs.suite, inputs.manifest.first_tasks
    if choice is None:
        is_part = first is not None or inputs.split is SplitChoice.VAL
        choice = TaskChoice.TRAINED if is_part else TaskChoice.ALL
    return suite.tasks if choice is TaskChoice.ALL else suite.train[:first]


def _check_scorers(inputs: RunInputs, asked: Sequence[str]) -> None:
    """Raise when a task names a scorer that does not exist: better now than when all is answered."""
    for name in asked:
        task = inputs.task(name)
        try:
            plugins.check(plugins.SCORERS, task.scorer)
            if task.released_scorer is not None:
                plugins.check(plugins.RELEASED, task.released_scorer)
        except CvitBenchError as error:
            raise CvitBenchError(f"task {name!r}: {error}") from error


def _check_split(inputs: RunInputs, asked: Sequence[str]) -> None:
    """Raise when validation samples are asked for and training has seen them all."""
    if inputs.split is SplitChoice.TEST or inputs.manifest.holdout:
        return
    without = [name for name in asked if "val" not in inputs.task(name).splits]
    if without:
        raise CvitBenchError(
            f"{inputs.run_dir / MANIFEST}: config.holdout: the run was trained on every train sample, and "
            f"no val split is there for {', '.join(without)}; train with --holdout 0.2 to have one"
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
