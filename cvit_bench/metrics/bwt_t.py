"""Backward transfer divided by T: the last task counts with a change of zero."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "BWT (÷T)"
DESCRIPTION = "Backward transfer divided by the number of tasks, as in the tables of CoIN and BranchLoRA."
FORMULA = "BWT_T = (1/T) · Σ_{j≤T} (R[T, j] − R[j, j])"
SOURCE = "tables of CoIN (its text prints T−1) and BranchLoRA"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 21


def compute(matrix: ScoreMatrix) -> Array:
    """Return BWT over T in percentage points: (T − 1)/T times `bwt_tm1`."""
    return matrix.backward_changes().sum(axis=-1) / matrix.last
