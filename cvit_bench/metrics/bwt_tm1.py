"""Backward transfer over the T − 1 tasks that can change after they were trained."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "BWT"
DESCRIPTION = "Mean change of a score from its task's own stage to the last one, over all tasks but the last."
FORMULA = "BWT = (1/(T−1)) · Σ_{j<T} (R[T, j] − R[j, j])"
SOURCE = "Lopez-Paz and Ranzato 2017; tables of SMoLoRA and MCITlib"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 20


def compute(matrix: ScoreMatrix) -> Array:
    """Return BWT in percentage points; negative is forgetting."""
    return matrix.backward_changes().mean(axis=-1)
