"""How often an answer takes another form when it is asked to."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "New form kept"
DESCRIPTION = "Share of answers in the form asked for after the last stage, where it is not the usual one."
FORMULA = "mean over train tasks j with form changes of F[T, j] under the forms that they ask for"
SOURCE = "this benchmark"
HIGHER_IS_BETTER: bool = True
MATRIX = "O"
ORDER = 55


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean in percent over the train tasks that are asked in another form."""
    return matrix.row(matrix.last, matrix.train_tasks).mean(axis=-1)
