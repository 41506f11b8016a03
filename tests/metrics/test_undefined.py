"""What a metric says of runs that are not a full sequence."""

import importlib

import numpy as np
import pytest

from cvit_bench.errors import MetricUndefinedError

SEQUENCE_ONLY = ["learning_accuracy", "bwt_tm1", "bwt_t", "forgetting", "fwt", "form_bwt"]
NaN = np.nan


def _compute(name, matrix):
    return importlib.import_module(f"cvit_bench.metrics.{name}").compute(matrix)


@pytest.mark.parametrize("name", SEQUENCE_ONLY)
def test_a_multitask_run_has_no_sequence(make_matrix, name):
    matrix = make_matrix([[10, 20], [80, 90]], trained=((), ("a", "b")))
    with pytest.raises(MetricUndefinedError, match="one task after another"):
        _compute(name, matrix)


def test_a_multitask_run_has_averages(make_matrix):
    matrix = make_matrix([[10, 20], [80, 90]], trained=((), ("a", "b")))
    assert [_compute(name, matrix) for name in ("ap", "map", "mif")] == [85, 85, 85]


@pytest.mark.parametrize("name", ["bwt_tm1", "bwt_t", "forgetting", "fwt", "form_bwt"])
def test_one_stage_is_too_few_for_transfer(make_matrix, name):
    with pytest.raises(MetricUndefinedError, match="two or more"):
        _compute(name, make_matrix([[10], [80]]))


@pytest.mark.parametrize("name", ["map", "learning_accuracy", "unseen_change", *SEQUENCE_ONLY])
def test_the_base_alone_learned_nothing(make_matrix, name):
    with pytest.raises(MetricUndefinedError):
        _compute(name, make_matrix([[10, 20]], trained=((),), num_unseen=1))


def test_the_base_alone_has_a_zero_shot_average(make_matrix):
    matrix = make_matrix([[10, 20, 60]], trained=((),), num_unseen=1)
    assert (_compute("ap", matrix), _compute("unseen", matrix)) == (15, 60)


@pytest.mark.parametrize("name", ["unseen", "unseen_change"])
def test_a_suite_without_unseen_tasks(make_matrix, name):
    with pytest.raises(MetricUndefinedError, match="no task"):
        _compute(name, make_matrix([[10, 20], [80, 30], [70, 90]]))


def test_a_suite_of_captions_only(make_matrix):
    with pytest.raises(MetricUndefinedError, match="no task"):
        _compute("ap_no_caption", make_matrix([[10], [80]], open_ended="a"))


def test_the_lower_triangle_is_enough_for_most(make_matrix):
    matrix = make_matrix([[NaN, NaN], [80, NaN], [70, 90]])
    found = {name: _compute(name, matrix) for name in ("ap", "map", "learning_accuracy", "bwt_tm1", "bwt_t")}
    assert found == {"ap": 80, "map": 80, "learning_accuracy": 85, "bwt_tm1": -10, "bwt_t": -5}


@pytest.mark.parametrize("name", ["fwt", "forgetting"])
def test_the_lower_triangle_is_not_enough_for_all(make_matrix, name):
    rows = [[NaN] * 3, [80, NaN, NaN], [70, 90, NaN], [60, 80, 70]]
    with pytest.raises(MetricUndefinedError, match="was not run at stage"):
        _compute(name, make_matrix(rows))


def test_an_unfinished_run_has_no_backward_transfer(make_matrix):
    with pytest.raises(MetricUndefinedError):
        _compute("bwt_tm1", make_matrix([[10, 20, 30], [80, 20, 30], [70, 90, 30]]))
