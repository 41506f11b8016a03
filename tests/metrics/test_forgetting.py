"""Three definitions of forgetting in use give three numbers; ours is the one that papers cite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvit_bench.metrics import bwt_t, bwt_tm1, forgetting
from cvit_bench.records.matrix import ScoreMatrix

#       a   b   c      a: best earlier 60, first 50, last 70; b: best earlier 80, first 80, last 75
ROWS = [[5, 99, 5], [50, 10, 5], [60, 80, 5], [70, 75, 90]]


def _with_last_row(values):
    return np.mean(values[1:, :2].max(axis=0) - values[-1, :2])


def _first_minus_last(values):
    return np.mean(np.diag(values[1:])[:2] - values[-1, :2])


def test_three_definitions_differ(make_matrix):
    values = np.array(ROWS, dtype=float)
    assert forgetting.compute(make_matrix(ROWS)) == pytest.approx(-2.5)  # ((60 − 70) + (80 − 75)) / 2
    assert _with_last_row(values) == pytest.approx(2.5)  # (0 + 5) / 2: can't be negative
    assert _first_minus_last(values) == pytest.approx(-7.5)  # ((50 − 70) + (80 − 75)) / 2 = −BWT
    assert bwt_tm1.compute(make_matrix(ROWS)) == pytest.approx(7.5)


def test_the_untouched_base_does_not_count(make_matrix):
    better_base = [[100, 100, 100], *ROWS[1:]]
    assert forgetting.compute(make_matrix(better_base)) == forgetting.compute(make_matrix(ROWS))


def test_a_stage_before_its_own_counts(make_matrix):
    rows = [ROWS[0], [50, 95, 5], *ROWS[2:]]
    assert forgetting.compute(make_matrix(rows)) == pytest.approx((-10 + (95 - 75)) / 2)


@settings(deadline=None)
@given(arrays(float, (5, 4), elements=st.floats(0, 100)))
def test_relations_between_the_metrics(values):
    tasks = tuple("abcd")
    matrix = ScoreMatrix(values, tuple("01234"), tasks, ((), *((task,) for task in tasks)))
    forgotten, backward = forgetting.compute(matrix), bwt_tm1.compute(matrix)
    assert forgotten >= -backward - 1e-9
    assert forgotten <= _with_last_row4(values) + 1e-9
    assert bwt_t.compute(matrix) == pytest.approx(backward * 3 / 4, abs=1e-9)


def _with_last_row4(values):
    return np.mean(values[1:, :3].max(axis=0) - values[-1, :3])
