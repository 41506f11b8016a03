"""What learning in sequence keeps a task from reaching, against a run on that task alone."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Intransigence (per task)"
DESCRIPTION = "Score of a run on each task alone minus the score right after it was trained."
FORMULA = "I = (1/T) · Σ_{j≤T} (P[j] − R[j, j]), P from a run that learns each task alone"
SOURCE = "Chaudhry et al. 2018 (RWalk), with a run of its own for each task as the reference"
HIGHER_IS_BETTER: bool = False
MATRIX = "SP"
ORDER = 25


def compute(matrix: ScoreMatrix, reference: ScoreMatrix) -> Array:
    """Return the mean in percentage points; positive: the sequence learned less than the reference run."""
    tasks = matrix.sequence()
    return (reference.row(reference.last, tasks) - matrix.just_learned()).mean(axis=-1)
