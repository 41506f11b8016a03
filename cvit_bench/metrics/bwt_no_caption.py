"""Backward transfer at the last stage, captioning left out."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "BWT (w/o captions)"
DESCRIPTION = "Mean change of a score from a task's own stage to the last, captions left out."
FORMULA = "mean over j<T without captioning of (S[T, j] − S[j, j])"
SOURCE = "this benchmark; Lopez-Paz and Ranzato 2017"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 35


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean change in percentage points; negative is forgetting."""
    return matrix.backward_changes(captions=False).mean(axis=-1)
