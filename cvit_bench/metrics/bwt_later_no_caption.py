"""Backward transfer at all later stages, captioning left out."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "BWT (all later stages, w/o captions)"
DESCRIPTION = "Mean change of a score at all stages after a task's own, captions left out."
FORMULA = "mean over j<T without captioning and over t > j of (S[t, j] − S[j, j])"
SOURCE = "this benchmark; Lopez-Paz and Ranzato 2017 at every later stage"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 38


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean change in percentage points; negative is forgetting."""
    return matrix.later_changes(captions=False).mean(axis=-1)
