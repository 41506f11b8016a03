"""The load benchmark at its smallest size."""

import pytest

from benchmarks.load import CASES, growth, measure


@pytest.mark.parametrize("case", [case for case in CASES if case.work != "score"], ids=lambda case: case.what)
def test_a_board_is_written_and_measured(case):
    seconds, mib = measure(case, 3)
    assert seconds > 0
    assert mib > 0


@pytest.mark.slow
def test_a_run_is_scored_and_measured():
    seconds, mib = measure(CASES[0], 100)
    assert seconds > 0
    assert mib > 0


def test_growth_is_a_ratio_and_little_counts_as_the_floor():
    assert growth(2.0, 30.0, 0.5) == 15
    assert growth(0.001, 0.1, 0.5) == 1
    assert growth(0.1, 5.0, 0.5) == 10
