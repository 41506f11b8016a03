"""What is known still when another form is asked for."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "New form known"
DESCRIPTION = "Lenient knowledge, where another form than the usual one is asked for, after the last stage."
FORMULA = "mean over train tasks j with form changes of L[T, j] under these wordings"
SOURCE = "this benchmark"
HIGHER_IS_BETTER: bool = True
MATRIX = "N"
ORDER = 56


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean in percent over the train tasks that are asked in another form."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
