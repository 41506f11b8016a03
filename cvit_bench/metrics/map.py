"""Mean average performance: the mean over stages of the mean over the tasks trained so far."""

import numpy as np

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "MAP"
DESCRIPTION = "Mean over all stages of the mean score over the tasks trained so far."
FORMULA = "MAP = (1/T) · Σ_{t=1..T} (1/t) · Σ_{j≤t} R[t, j]"
SOURCE = "SMoLoRA (MAP); MAA in MCITlib"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 12


def compute(matrix: ScoreMatrix) -> Array:
    """Return MAP in percent. A multitask run has one stage, which trained all tasks: there MAP is AP."""
    if matrix.last == 0:
        raise MetricUndefinedError("nothing was trained")
    means = [matrix.row(stage, _seen(matrix, stage)).mean(axis=-1) for stage in range(1, matrix.last + 1)]
    return np.mean(means, axis=0)


def _seen(matrix: ScoreMatrix, stage: int) -> list[str]:
    trained = {task for tasks in matrix.trained[: stage + 1] for task in tasks}
    return [task for task in matrix.train_tasks if task in trained]
