"""How good a task is in the wording that suits the model least."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Worst wording"
DESCRIPTION = "Score in the worst wording of each task after the last stage, averaged over the train tasks."
FORMULA = "W = (1/T) · Σ_{j≤T} min_v R_v[T, j]"
SOURCE = "Mizrahi et al. 2024 (single-prompt evaluation is brittle); wordings v as in metrics/wordings.py"
HIGHER_IS_BETTER: bool = True
MATRIX = "W"
ORDER = 50


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean over train tasks in percent; noise lowers it where samples are few."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
