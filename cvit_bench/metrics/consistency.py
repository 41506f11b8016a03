"""How often a sample gets the same verdict in every wording."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Consistency"
DESCRIPTION = "Share of samples judged alike in all wordings after the last stage, over the train tasks."
FORMULA = "C = (1/T) · Σ_{j≤T} share of samples right in all wordings, or in none, at stage T"
SOURCE = "this benchmark; right is S of at least half the scale, captions have no verdict"
HIGHER_IS_BETTER: bool = True
MATRIX = "C"
ORDER = 52


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean share in percent over the train tasks that are not open-ended."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
