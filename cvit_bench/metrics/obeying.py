"""The part of forgetting that is lost obedience, at the last stage."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Obeying"
DESCRIPTION = "Change of S from saying it as asked no more, from a task's own stage to the last."
FORMULA = "−mean over j<T of (G[T, j] − G[j, j]), G = K − S"
SOURCE = "this benchmark: the exact split of BWT"
HIGHER_IS_BETTER: bool = True
MATRIX = "SK"
ORDER = 27


def compute(strict: ScoreMatrix, knowledge: ScoreMatrix) -> Array:
    """Return minus the growth of G in percentage points; negative: it obeys less."""
    return (strict.backward_changes() - knowledge.backward_changes()).mean(axis=-1)
