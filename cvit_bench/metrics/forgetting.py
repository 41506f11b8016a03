"""Forgetting (Chaudhry et al., 2018): best earlier score minus the last one.

The maximum runs over the trained stages l = 1 .. T−1 as in the paper: stage 0, the untouched base, does not
count, the last stage does not count (so the value can be negative), and stages before task j's own do. A
run that left these out (`--cells lower`) has no forgetting in this sense; BWT is defined there.
"""

import numpy as np

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Forgetting"
DESCRIPTION = "Mean drop from a task's best earlier score to its last one, over all tasks but the last."
FORMULA = "F = (1/(T−1)) · Σ_{j<T} (max_{1≤l≤T−1} R[l, j] − R[T, j])"
SOURCE = "Chaudhry et al. 2018 (RWalk)"
HIGHER_IS_BETTER: bool = False
MATRIX = "S"
ORDER = 22


def compute(matrix: ScoreMatrix) -> Array:
    """Return forgetting in percentage points; positive is worse."""
    tasks = matrix.sequence()[:-1]
    if not tasks:
        raise MetricUndefinedError("the run has one stage; this needs two or more")
    earlier = np.stack([matrix.row(stage, tasks) for stage in range(1, matrix.last)])
    return (earlier.max(axis=0) - matrix.row(matrix.last, tasks)).mean(axis=-1)
