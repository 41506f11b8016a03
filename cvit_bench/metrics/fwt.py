"""Forward transfer: what earlier tasks did for a task before it was trained."""

import numpy as np

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "FWT"
DESCRIPTION = (
    "Mean change of a score from the base to the stage before its task's own, over all tasks but the first."
)
FORMULA = "FWT = (1/(T−1)) · Σ_{j=2..T} (R[j−1, j] − R[0, j])"
SOURCE = "Lopez-Paz and Ranzato 2017, with the untouched base in the place of random initialisation"
HIGHER_IS_BETTER: bool = True
MATRIX = "S"
ORDER = 23


def compute(matrix: ScoreMatrix) -> Array:
    """Return FWT in percentage points."""
    later = list(enumerate(matrix.sequence()))[1:]
    if not later:
        raise MetricUndefinedError("the run has one stage; this needs two or more")
    return np.mean([matrix.cell(stage, task) - matrix.cell(0, task) for stage, task in later], axis=0)
