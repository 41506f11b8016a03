"""The part of forgetting that is lost obedience, at the last stage, captioning left out."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Obeying (w/o captions)"
DESCRIPTION = (
    "Change of S from saying it as asked no more, from a task's own stage to the last, captions left out."
)
FORMULA = "−mean over j<T without captioning of (G[T, j] − G[j, j]), G = K − S"
SOURCE = "this benchmark: the exact split of BWT"
HIGHER_IS_BETTER: bool = True
MATRIX = "SK"
ORDER = 37


def compute(strict: ScoreMatrix, knowledge: ScoreMatrix) -> Array:
    """Return minus the growth of G in percentage points; negative: it obeys less."""
    return (strict.backward_changes(captions=False) - knowledge.backward_changes(captions=False)).mean(
        axis=-1
    )
