"""Average performance without captioning, whose scale is not an accuracy."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "AP w/o captions"
DESCRIPTION = "Mean score over the train tasks after the last stage, captioning left out."
FORMULA = "AP* = mean of R[T, j] over train tasks j that are not open-ended"
SOURCE = "this benchmark; in SMoLoRA's table one caption task makes up 30 % of AP"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 11


def compute(matrix: ScoreMatrix) -> Array:
    """Return the mean accuracy in percent over the tasks that are not scored by CIDEr."""
    tasks = [task for task in matrix.train_tasks if task not in matrix.open_ended]
    return matrix.row(matrix.last, tasks).mean(axis=-1)
