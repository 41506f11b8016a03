"""Transfer to tasks that are never trained on."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Unseen"
DESCRIPTION = "Mean score over the unseen tasks after the last stage."
FORMULA = "U = mean of R[T, u] over unseen tasks u"
SOURCE = "SMoLoRA (zero-shot AP)"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 41


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean score in percent over the unseen tasks at the last stage."""
    return matrix.row(matrix.last, matrix.unseen_tasks).mean(axis=-1)
