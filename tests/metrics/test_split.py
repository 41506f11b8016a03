"""The metrics of dual forgetting against literal loops over tasks and stages, and their exact sum."""

import importlib

import numpy as np
import pytest

ORDER = "abcd"


def metric(name, *matrices):
    return importlib.import_module(f"cvit_bench.metrics.{name}").compute(*matrices)


def looped(values, later, closed, own_stage):
    """Return the mean change by hand; the task at column j is trained at stage j + 1."""
    total = []
    for column in range(len(ORDER) - 1):
        if closed and ORDER[column] == "b":
            continue
        own = values[own_stage(column)][column]
        if later:
            stages = range(own_stage(column) + 1, len(values))
            total.append(sum(values[stage][column] - own for stage in stages) / len(stages))
        else:
            total.append(values[-1][column] - own)
    return sum(total) / len(total)


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_as_in_a_loop(make_matrix, later, closed):
    generator = np.random.default_rng(5)
    strict = generator.uniform(0, 60, (5, 4))
    known = strict + generator.uniform(0, 40, (5, 4))
    s, k = (make_matrix(values.tolist(), open_ended="b") for values in (strict, known))
    ending = ("_later" if later else "") + ("_no_caption" if closed else "")
    total = metric(f"bwt{ending}" if ending else "bwt_tm1", s)
    seeing, obeying = metric(f"seeing{ending}", k), metric(f"obeying{ending}", s, k)
    assert total == pytest.approx(looped(strict, later, closed, lambda column: column + 1))
    assert seeing == pytest.approx(looped(known, later, closed, lambda column: column + 1))
    assert obeying == pytest.approx(-looped(known - strict, later, closed, lambda column: column + 1))
    assert seeing + obeying == pytest.approx(total, abs=1e-9)


def test_by_hand(make_matrix):
    """a: S 90 → 30 → 10, K 90 → 60 → 40; b: S 80 → 50, K 85 → 80; c is the last one."""
    strict = make_matrix([[0, 0, 0], [90, 0, 0], [30, 80, 0], [10, 50, 70]])
    known = make_matrix([[0, 0, 0], [90, 0, 0], [60, 85, 0], [40, 80, 75]])
    assert metric("seeing", known) == ((40 - 90) + (80 - 85)) / 2
    assert metric("obeying", strict, known) == -((30 - 0) + (30 - 5)) / 2
    assert metric("seeing_later", known) == (((60 - 90) + (40 - 90)) / 2 + (80 - 85)) / 2
    assert metric("obeying_later", strict, known) == -(((30 - 0) + (30 - 0)) / 2 + (30 - 5)) / 2
    assert metric("bwt_later", strict) == (((30 - 90) + (10 - 90)) / 2 + (50 - 80)) / 2
