"""The part of forgetting that is lost knowledge, at the last stage."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Seeing"
DESCRIPTION = "Change of S from knowing it no more, from a task's own stage to the last."
FORMULA = "mean over j<T of (K[T, j] − K[j, j])"
SOURCE = "this benchmark: the exact split of BWT"
HIGHER_IS_BETTER: bool = True
MATRIX = "K"
ORDER = 26


def compute(matrix: ScoreMatrix) -> Array:
    """Return the change of K in percentage points; negative: it sees less."""
    return matrix.backward_changes().mean(axis=-1)
