"""The part of forgetting that is lost obedience, at all later stages."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Obeying (all later stages)"
DESCRIPTION = "Change of S from saying it as asked no more, at all stages after a task's own."
FORMULA = "−mean over j<T and over t > j of (G[t, j] − G[j, j]), G = K − S"
SOURCE = "this benchmark: the exact split of BWT"
HIGHER_IS_BETTER: bool = True
MATRIX = "SK"
ORDER = 34


def compute(strict: ScoreMatrix, knowledge: ScoreMatrix) -> Array:
    """Return minus the growth of G in percentage points; negative: it obeys less."""
    return (strict.later_changes() - knowledge.later_changes()).mean(axis=-1)
