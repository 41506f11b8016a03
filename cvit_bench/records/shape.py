"""Matrices must fit their stages and tasks before anything is laid out."""

from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.results import RunSummary


def refuse_ragged(path: Path, record: RunSummary) -> None:
    """Raise unless every matrix has a row for each stage and a column for each task."""
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
