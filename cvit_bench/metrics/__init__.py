"""One file a metric: `compute(matrix)` over the score matrix R[stage, task]."""
