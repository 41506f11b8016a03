"""Learning accuracy: the mean of the diagonal."""

from typing import Literal

from cvit_bench.records.matrix import ScoreMatrix

LABEL = "Learning accuracy"
DESCRIPTION = "Mean score of every task right after it was trained."
FORMULA = "LA = (1/T) · Σ_{j≤T} R[j, j]"
SOURCE = "Riemer et al. 2019 (learning accuracy); MFT in MCITlib"
HIGHER_IS_BETTER: bool = True
MATRIX: Literal["S", "K", "F"] = "S"
ORDER = 13


def compute(matrix: ScoreMatrix) -> float:
    """Return the mean of R[j, j] in percent."""
    return float(matrix.just_learned().mean())
