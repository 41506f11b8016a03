"""How often two wordings of one sample get the same verdict."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Agreement"
DESCRIPTION = "Share of pairs of wordings judged alike after the last stage, over samples and train tasks."
FORMULA = "A = (1/T) · Σ_{j≤T} mean over samples of the share of pairs v < w with one verdict at stage T"
SOURCE = "this benchmark; unlike consistency it can be told from some of the wordings"
HIGHER_IS_BETTER: bool = True
MATRIX = "A"
ORDER = 53


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean share in percent over the train tasks that are not open-ended."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
