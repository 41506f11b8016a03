"""From scored cells to `results.json`."""

from collections.abc import Sequence
from typing import Any

from cvit_bench.evaluate.few_shot import curves
from cvit_bench.evaluate.headings import head, task_info
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.measures import measured, metric_results, rounded, rounded_matrix
from cvit_bench.evaluate.outcomes import flips, histories, outcomes
from cvit_bench.evaluate.references import Reference
from cvit_bench.evaluate.released import released_results
from cvit_bench.evaluate.robustness import form_changes, wordings
from cvit_bench.evaluate.series import all_series
from cvit_bench.evaluate.splits import splits
from cvit_bench.evaluate.table import Places, ScoredCell, Table, sample_means
from cvit_bench.evaluate.task_scores import task_scores
from cvit_bench.metrics.knowledge import FIELDS, IN_WORDS, PERCENT, linearised
from cvit_bench.metrics.uncertainty import mean_interval
from cvit_bench.records.choices import Resample
from cvit_bench.records.matrix import Array, Kind
from cvit_bench.records.pace import pace_of
from cvit_bench.records.plan import EvaluationPlan, PlannedFewShot
from cvit_bench.records.results import (
    Cell,
    Estimate,
    FewShot,
    Matrices,
    Measure,
    Results,
    StageInfo,
    TaskInfo,
)
from cvit_bench.records.selftest import SelfTest, selftest_of

SHOWN: tuple[Kind, ...] = ("S", "K", "F", "L")


def table_of(
    inputs: RunInputs,
    plan: EvaluationPlan,
    cells: Sequence[ScoredCell],
    references: Sequence[tuple[Reference, Sequence[ScoredCell]]] = (),
) -> Table:
    """Lay out the scored cells of a run, and of reference runs where there are some."""
    paraphrases = [cell for cell in cells if not _is_form_change(inputs, cell)]
    changes = [cell for cell in cells if _is_form_change(inputs, cell)]
    others = {str(reference.role): _by_task(scored) for reference, scored in references}
    return Table(inputs, plan, _by_place(paraphrases), _by_place(changes), others)


def make_results(
    table: Table,
    cells: Sequence[ScoredCell],
    references: Sequence[Reference] = (),
    resample: Resample = Resample.IMAGES,
) -> Results:
    """Assemble the results of a run from its table and its cells in the order of the plan."""
    inputs, plan, run = table.inputs, table.plan, measured(table.items, table.layout, resample=resample)
    variants = (cell.cell.variant for cell in cells if not _is_form_change(inputs, cell))
    in_sequence = {stage.name for stage in plan.stages}
    manifest, past = inputs.manifest, histories(table)
    return Results(
        **head(inputs),
        split=plan.split,
        shortened=manifest.first_tasks is not None,
        variants=tuple(dict.fromkeys(variants)),
        stages=tuple(StageInfo(name=stage.name, tasks=stage.tasks) for stage in plan.stages),
        tasks=tuple(_task_info(table, task) for task in table.tasks),
        cells=tuple(_cell(table, cell) for cell in cells if cell.cell.stage in in_sequence),
        few_shot=tuple(_few_shot(table, stage) for stage in plan.few_shot),
        matrices=Matrices(**{kind: rounded_matrix(run.point[kind]) for kind in SHOWN}),
        task_scores=tuple(task_scores(table, run)),
        metrics=metric_results(run),
        series=() if manifest.schedule == "per_task" else all_series(run),
        wordings=tuple(wordings(table, run)),
        form_changes=tuple(form_changes(table, run)),
        few_shot_curves=curves(table, run),
        released=released_results(table, resample),
        splits=splits(run),
        outcomes=tuple(outcomes(table)),
        flips=tuple(flip for history in past for flip in flips(history)),
        provenance=_provenance(inputs, plan, references, resample),
    )


def _by_place(cells: Sequence[ScoredCell]) -> Places:
    found: Places = {}
    for cell in cells:
        found.setdefault((cell.cell.stage, cell.cell.task), []).append(cell)
    return found


def _by_task(cells: Sequence[ScoredCell]) -> dict[str, list[ScoredCell]]:
    return {task: found for (_, task), found in _by_place(cells).items()}


def _is_form_change(inputs: RunInputs, cell: ScoredCell) -> bool:
    return inputs.variant(cell.cell.task, cell.cell.variant).asks is not None


def _task_info(table: Table, name: str) -> TaskInfo:
    found = {"n": len(table.inputs.samples(name)), "knowledge": _measure(table, name)}
    return task_info(table.inputs, name).model_copy(update=found)


def _measure(table: Table, name: str) -> Measure:
    if table.is_ranked(name):
        return "ranked"
    return "lenient (no likelihoods)" if table.inputs.task(name).sources else "lenient"


def _cell(table: Table, cell: ScoredCell) -> Cell:
    names = [stage.name for stage in table.plan.stages]
    highest = table.highest(cell.cell.task)
    is_change = _is_form_change(table.inputs, cell)
    return Cell(
        stage=names.index(cell.cell.stage),
        task=cell.cell.task,
        variant=cell.cell.variant,
        form_change=is_change,
        n=len(cell.samples),
        strict=_estimate(cell.values("strict"), highest),
        knowledge=_knowledge([cell], highest, not is_change and table.is_ranked(cell.cell.task)),
        form=_estimate(cell.values("form"), 1.0),
        lenient=_estimate(cell.values("lenient"), highest),
    )


def _few_shot(table: Table, stage: PlannedFewShot) -> FewShot:
    cells, highest = table.cells[stage.name, stage.task], table.highest(stage.task)

    def over_paraphrases(name: str, most: float) -> Estimate:
        return _estimate(sample_means(cells, name), most)

    return FewShot(
        task=stage.task,
        shots=stage.shots,
        from_base=stage.from_base,
        n=sum(len(cell.samples) for cell in cells),
        strict=over_paraphrases("strict", highest),
        knowledge=_knowledge(cells, highest, table.is_ranked(stage.task)),
        form=over_paraphrases("form", 1.0),
        lenient=over_paraphrases("lenient", highest),
    )


def _knowledge(cells: Sequence[ScoredCell], highest: float, is_ranked: bool) -> Estimate:
    if not is_ranked:
        return _estimate(sample_means(cells, "lenient"), highest)
    names = (*FIELDS, *(IN_WORDS if all(set(IN_WORDS) <= set(cell.fields) for cell in cells) else ()))
    fields = {name: sample_means(cells, name) for name in names}
    return _estimate(linearised(fields), 1.0)


def _estimate(values: Array, highest: float) -> Estimate:
    value, low, high = (rounded(PERCENT * x) for x in mean_interval(values, bounds=(0.0, highest)))
    return Estimate(value=value, ci_low=low, ci_high=high)


def _provenance(
    inputs: RunInputs, plan: EvaluationPlan, references: Sequence[Reference], resample: Resample
) -> dict[str, Any]:
    manifest = inputs.manifest
    weights = {one.name: one.weights for one in plan.stages}
    weights |= {one.name: one.weights for one in plan.few_shot}
    selftest = selftest_of(inputs.run_dir, weights)
    return {
        "base": manifest.base.model_dump(exclude_none=True),
        "weights": weights,
        "data": {task: inputs.data_hashes(task) for task in dict.fromkeys(cell.task for cell in plan.cells)},
        "generation": plan.generation,
        "batch_size": plan.batch_size,
        **_batch_sizes(inputs, plan),
        "limit": plan.limit,
        **({} if plan.design is None else {"design": plan.design.model_dump()}),
        **({} if resample is Resample.IMAGES else {"resample": resample.value}),
        **({"references": {one.role: one.manifest.run for one in references}} if references else {}),
        **({} if selftest is None else {"selftest": _told(selftest)}),
        "training": manifest.config,
        "trained_with": manifest.provenance,
    }


def _batch_sizes(inputs: RunInputs, plan: EvaluationPlan) -> dict[str, Any]:
    """Return the sizes that batches were cut to where they were others than the one asked for."""
    pace = pace_of(inputs.run_dir, plan.split, plan.generation.get("placement", {}))
    is_other = pace.batch_sizes not in ((), (plan.batch_size,))
    return {"batch_sizes": list(pace.batch_sizes)} if is_other else {}


def _told(selftest: SelfTest) -> dict[str, Any]:
    return {"passed": selftest.passed, "verdict": selftest.verdict, "placement": selftest.placement}
