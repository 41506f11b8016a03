"""Runs that a run is measured against: all tasks at once, or each alone, on the same samples and wordings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.records.manifest import MANIFEST, Manifest, load_manifest
from cvit_bench.records.plan import EvaluationPlan, PlannedCell, load_plan, plan_path

Role = Literal["multitask", "per_task"]
ROLES: tuple[Role, ...] = ("multitask", "per_task")


@dataclass(frozen=True)
class Reference:
    """A run to be measured against: the cells of every task in the wordings that both were asked in."""

    role: Role
    manifest: Manifest
    inputs: RunInputs
    plan: EvaluationPlan
    cells: tuple[PlannedCell, ...]


def open_references(inputs: RunInputs, plan: EvaluationPlan, folders: Iterable[Path]) -> list[Reference]:
    """Open the runs in these folders; their manifests say whether they are multitask or per-task runs."""
    found: dict[Role, Reference] = {}
    for folder in folders:
        reference = _open(inputs, plan, folder)
        if reference.role in found:
            raise CvitBenchError(
                f"--reference {folder}: a second {reference.role} run (the first is "
                f"{found[reference.role].inputs.run_dir})"
            )
        found[reference.role] = reference
    return [found[role] for role in ROLES if role in found]


def _open(inputs: RunInputs, plan: EvaluationPlan, folder: Path) -> Reference:
    manifest = load_manifest(folder)
    if manifest.schedule not in ROLES:
        raise CvitBenchError(
            f"--reference {folder}: {MANIFEST}: schedule: a run is measured against a multitask or a "
            f"per_task run, this one is {manifest.schedule!r}"
        )
    other = load_plan(folder, plan.split)
    _check_same(folder, plan, other)
    own = replace(inputs, run_dir=folder, manifest=manifest)
    return Reference(manifest.schedule, manifest, own, other, tuple(_cells(inputs, plan, other, folder)))


def _check_same(folder: Path, plan: EvaluationPlan, other: EvaluationPlan) -> None:
    """Raise unless both were asked the same samples and grew from the same base."""
    for key in ("suite_version", "limit", "design"):
        mine, theirs = getattr(plan, key), getattr(other, key)
        if mine != theirs:
            raise CvitBenchError(
                f"--reference {folder}: {plan_path(folder, other.split).name}: {key}: "
                f"{_shown(theirs)} there, {_shown(mine)} here; evaluate both alike"
            )
    if plan.stages[0].weights != other.stages[0].weights:
        raise CvitBenchError(f"--reference {folder}: the run starts from another base model")


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def _cells(
    inputs: RunInputs, plan: EvaluationPlan, other: EvaluationPlan, folder: Path
) -> Iterable[PlannedCell]:
    """Yield the cell of each train task and wording at the stage that trained the task last."""
    stage_of = {task: stage.name for stage in other.stages for task in stage.tasks}
    answered = set(other.cells)
    for task, variant in _asked(inputs, plan):
        if task not in stage_of:
            raise CvitBenchError(f"--reference {folder}: the run did not train on {task!r}")
        cell = PlannedCell(stage=stage_of[task], task=task, variant=variant)
        if cell not in answered:
            raise CvitBenchError(
                f"--reference {folder}: task {task!r} was not asked in wording {variant!r} after its stage; "
                "evaluate it with the same --variants"
            )
        yield cell


def _asked(inputs: RunInputs, plan: EvaluationPlan) -> Sequence[tuple[str, str]]:
    """Return every train task and paraphrase that the run was asked, once each."""
    train = set(inputs.suite.train)
    pairs = dict.fromkeys((cell.task, cell.variant) for cell in plan.cells if cell.task in train)
    return [(task, variant) for task, variant in pairs if inputs.variant(task, variant).asks is None]
