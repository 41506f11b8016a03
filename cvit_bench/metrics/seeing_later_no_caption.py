"""The part of forgetting that is lost knowledge, at all later stages, captioning left out."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Seeing (all later stages, w/o captions)"
DESCRIPTION = "Change of S from knowing it no more, at all stages after a task's own, captions left out."
FORMULA = "mean over j<T without captioning and over t > j of (K[t, j] − K[j, j])"
SOURCE = "this benchmark: the exact split of BWT"
HIGHER_IS_BETTER: bool = True
MATRIX = "K"
ORDER = 39


def compute(matrix: ScoreMatrix) -> Array:
    """Return the change of K in percentage points; negative: it sees less."""
    return matrix.later_changes(captions=False).mean(axis=-1)
