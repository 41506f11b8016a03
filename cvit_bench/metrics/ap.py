"""Average performance: the mean of the last row."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "AP"
DESCRIPTION = "Mean score over the train tasks after the last stage."
FORMULA = "AP = (1/T) · Σ_{j≤T} R[T, j]"
SOURCE = "SMoLoRA (AP); the same number is ACC in CoIN and MFN in MCITlib"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 10


def compute(matrix: ScoreMatrix) -> Array:
    """Return AP in percent; captions count with their CIDEr × 100, as in the published tables."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
