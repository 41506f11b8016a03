"""Mean instruction following: how often the final model keeps the answer form."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "MIF"
DESCRIPTION = "Share of well-formed answers after the last stage, averaged over the train tasks."
FORMULA = "MIF = (1/T) · Σ_{j≤T} F[T, j]"
SOURCE = "SMoLoRA (MIF), with this benchmark's form contracts instead of word counts"
HIGHER_IS_BETTER: bool = True
MATRIX = "F"
ORDER = 30


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean of F in percent over the train tasks at the last stage."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
