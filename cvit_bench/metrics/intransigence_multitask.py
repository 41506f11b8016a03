"""What learning in sequence keeps a task from reaching, against a run that learned all tasks together."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Intransigence (multitask)"
DESCRIPTION = "Score of a multitask run minus the score right after each task was trained."
FORMULA = "I = (1/T) · Σ_{j≤T} (M[j] − R[j, j]), M from a run on all tasks at once"
SOURCE = "Chaudhry et al. 2018 (RWalk), whose reference for task j has learned tasks 1..j only"
HIGHER_IS_BETTER: bool = False
MATRIX = "SM"
ORDER = 24


def compute(matrix: ScoreMatrix, reference: ScoreMatrix) -> Array:
    """Return the mean in percentage points; positive: the sequence learned less than the reference run."""
    tasks = matrix.sequence()
    return (reference.row(reference.last, tasks) - matrix.just_learned()).mean(axis=-1)
