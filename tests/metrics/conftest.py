import numpy as np
import pytest

from cvit_bench.records.matrix import ScoreMatrix


@pytest.fixture
def make_matrix():
    """Rows are stages 0..T; the first columns are train tasks in training order."""

    def make(rows, trained=None, num_unseen=0, open_ended=()):
        values = np.array(rows, dtype=float)
        tasks = tuple("abcdefgh"[: values.shape[1]])
        if trained is None:
            trained = ((), *((task,) for task in tasks[: len(values) - 1]))
        stages = ("base", *(f"stage{at}" for at in range(1, len(values))))
        return ScoreMatrix(values, stages, tasks, trained, num_unseen, frozenset(open_ended))

    return make
