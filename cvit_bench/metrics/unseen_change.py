"""What training did to tasks that are never trained on."""

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "ΔUnseen"
DESCRIPTION = "Change of the mean score over the unseen tasks from the untouched base to the last stage."
FORMULA = "ΔU = mean of (R[T, u] − R[0, u]) over unseen tasks u"
SOURCE = "this benchmark"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 42


def compute(matrix: ScoreMatrix) -> Array:
    """Return the change in percentage points; negative means general ability was lost."""
    if matrix.last == 0:
        raise MetricUndefinedError("nothing was trained")
    change = matrix.row(matrix.last, matrix.unseen_tasks) - matrix.row(0, matrix.unseen_tasks)
    return change.mean(axis=-1)
