"""The same answers judged as published scripts do: their matrices and metrics, beside the strict ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cvit_bench import plugins
from cvit_bench.evaluate.measures import measured, metric_results, rounded_matrix
from cvit_bench.evaluate.table import ScoredCell, Table
from cvit_bench.records.choices import Resample
from cvit_bench.records.matrix import Array
from cvit_bench.records.results import Released
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task

VALUE, FORM = "released", "released_form"


def released_fields(task: Task, answered: Sequence[tuple[Sample, str]]) -> dict[str, Array]:
    """Score answers with the task's released scorer; nothing for a task that has none.

    The form is NaN where no rule of form was published.
    """
    if task.released_scorer is None:
        return {}
    scores = plugins.load(plugins.RELEASED, task.released_scorer).score(task, answered)
    forms = [np.nan if score.form is None else float(score.form) for score in scores]
    return {VALUE: np.array([score.value for score in scores], np.float64), FORM: np.array(forms)}


def released_results(table: Table, resample: Resample = Resample.IMAGES) -> Released | None:
    """Return matrices and metrics of S and F as released; None where no task has a released scorer.

    The samples are drawn as for the strict metrics, so that the difference of two values is one of pairs.
    """
    names = {task: table.inputs.task(task).released_scorer for task in table.tasks}
    twins = {task: name for task, name in names.items() if name is not None}
    if not twins:
        return None
    cells = {place: [_judged_as_released(cell) for cell in found] for place, found in table.cells.items()}
    run = measured(Table(table.inputs, table.plan, cells).items, table.layout, resample=resample)
    return Released(
        scorers=twins,
        S=rounded_matrix(run.point["S"]),
        F=rounded_matrix(run.point["F"]),
        metrics=metric_results(run, ("S", "F")),
    )


def _judged_as_released(cell: ScoredCell) -> ScoredCell:
    """Put the released scores in the place of the strict ones; a cell that has none stays as it is."""
    if VALUE not in cell.fields:
        return cell
    value, form = cell.fields[VALUE], cell.fields[FORM]
    form = np.where(np.isnan(form), cell.fields["form"], form)
    judged = {"strict": value, "lenient": value, "unsaid": np.zeros_like(value), "form": form}
    return replace(cell, fields={**cell.fields, **judged})
