"""The part of forgetting that is lost obedience, at all later stages, captioning left out."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Obeying (all later stages, w/o captions)"
DESCRIPTION = (
    "Change of S from saying it as asked no more, at all stages after a task's own, captions left out."
)
FORMULA = "−mean over j<T without captioning and over t > j of (G[t, j] − G[j, j]), G = K − S"
SOURCE = "this benchmark: the exact split of BWT"
HIGHER_IS_BETTER: bool = True
MATRIX = "SK"
ORDER = 40


def compute(strict: ScoreMatrix, knowledge: ScoreMatrix) -> Array:
    """Return minus the growth of G in percentage points; negative: it obeys less."""
    return (strict.later_changes(captions=False) - knowledge.later_changes(captions=False)).mean(axis=-1)
