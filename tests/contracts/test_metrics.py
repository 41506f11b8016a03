"""What every metric owes: a file in metrics/ with a top-level `compute` is tested the day it appears."""

import ast
import importlib
import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cvit_bench.metrics
from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import KINDS, ScoreMatrix

FOLDER = Path(cvit_bench.metrics.__file__).parent
ZERO_WHEN_CONSTANT = {
    "bwt_tm1", "bwt_t", "forgetting", "fwt", "form_bwt", "unseen_change", "intransigence_multitask",
    "intransigence_per_task", "wording_spread", "wording_gap", "seeing", "seeing_no_caption", "seeing_later",
    "seeing_later_no_caption", "obeying", "obeying_no_caption", "obeying_later", "obeying_later_no_caption",
    "bwt_later", "bwt_no_caption", "bwt_later_no_caption",
}  # fmt: skip


def _has_compute(path):
    body = ast.parse(path.read_text("utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == "compute" for node in body)


METRICS = [path.stem for path in sorted(FOLDER.glob("*.py")) if _has_compute(path)]
every_metric = pytest.mark.parametrize("name", METRICS)


def _module(name):
    return importlib.import_module(f"cvit_bench.metrics.{name}")


def _compute(name, *matrices):
    """Give the metric one matrix for each letter; the last one stands for those that are not given."""
    module = _module(name)
    given = [*matrices, *([matrices[-1]] * len(module.MATRIX))]
    return module.compute(*given[: len(module.MATRIX)])


def _matrix(values=None, fill=0.0):
    stages, tasks = ("base", "1", "2", "3"), ("a", "b", "c", "u", "v")
    values = np.full((len(stages), len(tasks)), fill) if values is None else values
    return ScoreMatrix(
        values, stages, tasks, ((), ("a",), ("b",), ("c",)), num_unseen=2, open_ended=frozenset("c")
    )


def test_the_metrics_are_found():
    assert {"ap", "bwt_tm1", "bwt_t", "forgetting", "mif"} <= set(METRICS)
    assert "uncertainty" not in METRICS


@every_metric
def test_constants(name):
    module = _module(name)
    texts = (
        module.LABEL,
        module.DESCRIPTION,
        module.FORMULA,
        module.SOURCE,
        module.__doc__,
        module.compute.__doc__,
    )
    assert all(isinstance(text, str) and text.strip() for text in texts)
    assert module.DESCRIPTION.endswith(".")
    assert isinstance(module.HIGHER_IS_BETTER, bool)
    assert module.MATRIX
    assert set(module.MATRIX) <= set(KINDS)
    assert isinstance(module.ORDER, int)
    assert len(inspect.signature(module.compute).parameters) == len(module.MATRIX)


@pytest.mark.parametrize("what", ["LABEL", "ORDER"])
def test_labels_and_places_are_unique(what):
    found = [getattr(_module(name), what) for name in METRICS]
    assert len(set(found)) == len(found)


@every_metric
@pytest.mark.parametrize("fill", [0.0, 37.5, 100.0])
def test_a_constant_matrix_has_no_change(name, fill):
    expected = 0.0 if name in ZERO_WHEN_CONSTANT else fill
    assert _compute(name, _matrix(fill=fill)) == pytest.approx(expected)


@every_metric
def test_many_matrices_at_once_give_the_values_of_each(name):
    """The bootstrap hands over all of its draws in one array, and they keep their places."""
    draws = np.random.default_rng(2).uniform(1, 100, (3, 2, 4, 5))
    found = _compute(name, _matrix(draws))
    assert found.shape == (3, 2)
    for place in np.ndindex(3, 2):
        assert found[place] == pytest.approx(_compute(name, _matrix(draws[place])))


@every_metric
def test_one_matrix_gives_one_number(name):
    assert np.shape(_compute(name, _matrix(fill=50.0))) == ()


@every_metric
def test_several_matrices_are_told_apart(name):
    """A metric that names more than one matrix reads each of them."""
    kinds = _module(name).MATRIX
    values = np.random.default_rng(4).uniform(1, 100, (len(kinds), 4, 5))
    full = _compute(name, *map(_matrix, values))
    for at in range(len(kinds)):
        other = values.copy()
        other[at] = np.random.default_rng(6).uniform(1, 100, (4, 5))
        assert _compute(name, *map(_matrix, other)) != full


@every_metric
def test_the_input_stays_as_it_was(name):
    values = np.random.default_rng(3).uniform(0, 100, (4, 5))
    before = values.copy()
    values.setflags(write=False)
    _compute(name, _matrix(values))
    np.testing.assert_array_equal(values, before)


@every_metric
def test_no_run_cell_is_undefined_not_nan(name):
    with pytest.raises(MetricUndefinedError):
        _compute(name, _matrix(fill=np.nan))


@every_metric
def test_each_cell_is_needed_or_ignored_never_zero_filled(name):
    """Without one cell a metric keeps its value (it does not read the cell) or refuses."""
    values = np.random.default_rng(5).uniform(1, 100, (4, 5))
    full, refused = _compute(name, _matrix(values)), 0
    for stage, task in np.ndindex(values.shape):
        holed = values.copy()
        holed[stage, task] = np.nan
        try:
            assert _compute(name, _matrix(holed)) == full
        except MetricUndefinedError:
            refused += 1
    assert refused > 0


@every_metric
def test_a_run_without_tasks_of_its_kind_is_undefined(name):
    only_base = replace(
        _matrix(), values=np.ones((1, 0)), stages=("base",), tasks=(), trained=((),), num_unseen=0
    )
    with pytest.raises(MetricUndefinedError):
        _compute(name, only_base)
