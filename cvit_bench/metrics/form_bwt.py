"""Backward transfer of the answer form."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Form BWT"
DESCRIPTION = "Mean change of the share of well-formed answers from a task's own stage to the last one."
FORMULA = "BWT_F = (1/(T−1)) · Σ_{j<T} (F[T, j] − F[j, j])"
SOURCE = "this benchmark; Lopez-Paz and Ranzato 2017 applied to F"
HIGHER_IS_BETTER: bool = True
MATRIX = "F"
ORDER = 31


def compute(matrix: ScoreMatrix) -> Array:
    """Return the backward transfer of F in percentage points; negative is lost obedience."""
    return matrix.backward_changes().mean(axis=-1)
