"""Learning accuracy: the mean of the diagonal."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Learning accuracy"
DESCRIPTION = "Mean score of every task right after it was trained."
FORMULA = "LA = (1/T) · Σ_{j≤T} R[j, j]"
SOURCE = "Riemer et al. 2019 (learning accuracy); MFT in MCITlib"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 13


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean of R[j, j] in percent."""
    return matrix.just_learned().mean(axis=-1)
