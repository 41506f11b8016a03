"""Backward transfer at all later stages."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "BWT (all later stages)"
DESCRIPTION = "Mean change of a score at all stages after a task's own."
FORMULA = "mean over j<T and over t > j of (S[t, j] − S[j, j])"
SOURCE = "this benchmark; Lopez-Paz and Ranzato 2017 at every later stage"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 32


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean change in percentage points; negative is forgetting."""
    return matrix.later_changes().mean(axis=-1)
