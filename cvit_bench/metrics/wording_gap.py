"""What wordings that were never trained on cost."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Heldout gap"
DESCRIPTION = "Mean score in train wordings minus that in heldout ones after the last stage."
FORMULA = "gap = (1/T) · Σ_{j≤T} (mean over train wordings of R_v[T, j] − mean over heldout ones)"
SOURCE = "this benchmark; the splits are those of the template files"
HIGHER_IS_BETTER: bool = False
MATRIX = "TH"
ORDER = 54


def compute(seen: ScoreMatrix, heldout: ScoreMatrix) -> Array:
    """Return the mean over train tasks in percentage points; positive: worse where the wording is new."""
    tasks = seen.train_tasks
    return (seen.row(seen.last, tasks) - heldout.row(heldout.last, tasks)).mean(axis=-1)
