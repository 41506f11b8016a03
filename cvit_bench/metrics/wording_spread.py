"""How far the best and the worst wording of an instruction lie apart."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Wording spread"
DESCRIPTION = "Best minus worst wording of each task after the last stage, averaged over the train tasks."
FORMULA = "spread = (1/T) · Σ_{j≤T} (max_v R_v[T, j] − min_v R_v[T, j])"
SOURCE = "Sclar et al. 2024 (FormatSpread)"
HIGHER_IS_BETTER: bool = False
MATRIX = "BW"
ORDER = 51


def compute(best: ScoreMatrix, worst: ScoreMatrix) -> Array:
    """Return the mean over train tasks in percentage points.

    It is the spread on the samples that were asked: where wordings hardly differ it is above 0 by chance, and
    so is its interval; agreement and gap have no such bias.
    """
    tasks = best.train_tasks
    return (best.row(best.last, tasks) - worst.row(worst.last, tasks)).mean(axis=-1)
