"""What results or an entry hold must fit their stages and tasks before anything is laid out."""

from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.results import RunSummary
from cvit_bench.text import unknown_name


def refuse_ragged(path: Path, record: RunSummary) -> None:
    """Raise unless every matrix has a row a stage and a column a task, and no part names any other."""
    for key in ("stages", "tasks"):
        if not getattr(record, key):
            raise CvitBenchError(f"{path}: {key}: there is none")
    for letter, matrix in record.matrices:
        if matrix is None:
            continue
        if len(matrix) != len(record.stages):
            raise CvitBenchError(
                f"{path}: matrices.{letter}: {len(matrix)} rows for {len(record.stages)} stages"
            )
        for stage, row in enumerate(matrix):
            if len(row) != len(record.tasks):
                raise CvitBenchError(
                    f"{path}: matrices.{letter}.{stage}: {len(row)} columns for {len(record.tasks)} tasks"
                )
    _refuse_strangers(path, record)


def _refuse_strangers(path: Path, record: RunSummary) -> None:
    """Raise where a part speaks of a task or of a stage that the record does not have."""
    tasks, last = {task.name for task in record.tasks}, len(record.stages) - 1
    for key in type(record).model_fields:
        value = getattr(record, key)
        for at, part in enumerate(value if isinstance(value, tuple) else ()):
            task, stage = getattr(part, "task", None), getattr(part, "stage", None)
            if task is not None and task not in tasks:
                raise CvitBenchError(f"{path}: {key}.{at}.task: {unknown_name('task', task, tasks)}")
            if stage is not None and stage > last:
                raise CvitBenchError(f"{path}: {key}.{at}.stage: {stage}, but the last stage is {last}")
