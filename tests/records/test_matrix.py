"""R[stage, task]: what it gives, and what it refuses to make up."""

import numpy as np
import pytest

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import ScoreMatrix

NAN = float("nan")


@pytest.fixture
def matrix():
    """Two train tasks and an unseen one; the unseen one was not run at stage 1."""
    return ScoreMatrix(
        values=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, NAN], [7.0, 8.0, 9.0]]),
        stages=("00-base", "01-a", "02-b"),
        tasks=("a", "b", "u"),
        trained=((), ("a",), ("b",)),
        num_unseen=1,
    )


def changed(matrix, **fields):
    return ScoreMatrix(**{**vars(matrix), **fields})


def test_columns_are_train_tasks_then_unseen_ones(matrix):
    assert (matrix.train_tasks, matrix.unseen_tasks, matrix.last) == (("a", "b"), ("u",), 2)


def test_without_unseen_tasks_all_columns_are_train_tasks(matrix):
    seen = changed(matrix, num_unseen=0)
    assert (seen.train_tasks, seen.unseen_tasks) == (("a", "b", "u"), ())


def test_cells_and_rows_are_found_by_name(matrix):
    assert matrix.cell(2, "b") == 8.0
    assert matrix.row(2, ("b", "a")).tolist() == [8.0, 7.0]


def test_a_cell_that_was_not_run_is_refused_by_name(matrix):
    for ask in (lambda: matrix.cell(1, "u"), lambda: matrix.row(1, ("a", "u"))):
        with pytest.raises(MetricUndefinedError, match="task u was not run at stage 01-a"):
            ask()


def test_an_average_over_nothing_is_refused(matrix):
    with pytest.raises(MetricUndefinedError, match="no task to average over"):
        matrix.row(0, ())


def test_a_task_just_learned_is_read_at_its_own_stage(matrix):
    assert matrix.just_learned().tolist() == [4.0, 8.0]
    assert matrix.backward_changes().tolist() == [7.0 - 4.0]


def test_the_order_of_training_decides_not_the_order_of_columns(matrix):
    swapped = changed(matrix, trained=((), ("b",), ("a",)))
    assert swapped.sequence() == ("b", "a")
    assert swapped.just_learned().tolist() == [5.0, 7.0]
    assert swapped.backward_changes().tolist() == [8.0 - 5.0]


@pytest.mark.parametrize(
    "trained", [((), ("a", "b"), ()), ((), ("a",), ("a",)), ((), ("a",), ("u",)), ((), ("a", "b"), ("b",))]
)
def test_a_run_that_is_no_sequence_has_no_backward_transfer(matrix, trained):
    with pytest.raises(MetricUndefinedError, match=r"the run (does not train one task|has trained)"):
        changed(matrix, trained=trained).backward_changes()


def test_the_base_alone_learned_nothing(matrix):
    base = changed(matrix, values=matrix.values[:1], stages=("00-base",), trained=((),))
    with pytest.raises(MetricUndefinedError, match="nothing was trained"):
        base.just_learned()


def test_one_stage_has_no_backward_transfer(matrix):
    one = ScoreMatrix(matrix.values[:2, :1], ("00-base", "01-a"), ("a",), ((), ("a",)))
    with pytest.raises(MetricUndefinedError, match="needs two or more"):
        one.backward_changes()


def test_reading_changes_nothing(matrix):
    before = matrix.values.copy()
    matrix.just_learned()[0] = 99.0
    matrix.row(2, ("a",))[0] = 99.0
    np.testing.assert_array_equal(matrix.values, before)


def test_a_run_as_if_it_had_ended_earlier():
    """Tasks that come later are gone, unseen ones stay; the draws of a bootstrap are cut alike."""
    values = np.arange(2 * 4 * 4, dtype=float).reshape(2, 4, 4)
    trained = ((), ("b",), ("a",), ("c",))
    matrix = ScoreMatrix(values, ("0", "1", "2", "3"), ("a", "b", "c", "u"), trained, num_unseen=1)
    found = matrix.until(1)
    assert (found.train_tasks, found.unseen_tasks, found.last) == (("b",), ("u",), 1)
    assert found.sequence() == ("b",)
    np.testing.assert_array_equal(found.values, values[:, :2, [1, 3]])
    assert matrix.until(0).train_tasks == ()
    np.testing.assert_array_equal(matrix.until(3).values, values)


def test_what_was_not_done_is_named():
    nothing = ScoreMatrix(np.full((1, 1), np.nan), ("0",), ("a",), ((),), was_not="asked in another form")
    with pytest.raises(MetricUndefinedError, match=r"^no task was asked in another form$"):
        nothing.cell(0, "a")
    with pytest.raises(MetricUndefinedError, match=r"^no task was asked in another form$"):
        nothing.row(0, [])
    partly = ScoreMatrix(
        np.array([[np.nan, 1.0]]), ("0",), ("a", "b"), ((),), was_not="asked in another form"
    )
    with pytest.raises(MetricUndefinedError, match=r"^task a was not asked in another form at stage 0$"):
        partly.row(0, ["b", "a"])
