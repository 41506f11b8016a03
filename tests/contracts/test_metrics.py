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
from cvit_bench.records.matrix import ScoreMatrix

FOLDER = Path(cvit_bench.metrics.__file__).parent
ZERO_WHEN_CONSTANT = {"bwt_tm1", "bwt_t", "forgetting", "fwt", "form_bwt", "unseen_change"}


def _has_compute(path):
    body = ast.parse(path.read_text("utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == "compute" for node in body)


METRICS = [path.stem for path in sorted(FOLDER.glob("*.py")) if _has_compute(path)]
every_metric = pytest.mark.parametrize("name", METRICS)


def _module(name):
    return importlib.import_module(f"cvit_bench.metrics.{name}")


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
    assert module.MATRIX in ("S", "K", "F")
    assert isinstance(module.ORDER, int)
    assert list(inspect.signature(module.compute).parameters) == ["matrix"]


def test_labels_are_unique():
    labels = [_module(name).LABEL for name in METRICS]
    assert len(set(labels)) == len(labels)


@every_metric
@pytest.mark.parametrize("fill", [0.0, 37.5, 100.0])
def test_a_constant_matrix_has_no_change(name, fill):
    expected = 0.0 if name in ZERO_WHEN_CONSTANT else fill
    assert _module(name).compute(_matrix(fill=fill)) == pytest.approx(expected)


@every_metric
def test_the_value_is_a_python_float(name):
    assert type(_module(name).compute(_matrix(fill=50.0))) is float


@every_metric
def test_the_input_stays_as_it_was(name):
    values = np.random.default_rng(3).uniform(0, 100, (4, 5))
    before = values.copy()
    values.setflags(write=False)
    _module(name).compute(_matrix(values))
    np.testing.assert_array_equal(values, before)


@every_metric
def test_no_run_cell_is_undefined_not_nan(name):
    with pytest.raises(MetricUndefinedError):
        _module(name).compute(_matrix(fill=np.nan))


@every_metric
def test_each_cell_is_needed_or_ignored_never_zero_filled(name):
    """Without one cell a metric keeps its value (it does not read the cell) or refuses."""
    values = np.random.default_rng(5).uniform(1, 100, (4, 5))
    compute = _module(name).compute
    full, refused = compute(_matrix(values)), 0
    for stage, task in np.ndindex(values.shape):
        holed = values.copy()
        holed[stage, task] = np.nan
        try:
            assert compute(_matrix(holed)) == full
        except MetricUndefinedError:
            refused += 1
    assert refused > 0


@every_metric
def test_a_run_without_tasks_of_its_kind_is_undefined(name):
    only_base = replace(
        _matrix(), values=np.ones((1, 0)), stages=("base",), tasks=(), trained=((),), num_unseen=0
    )
    with pytest.raises(MetricUndefinedError):
        _module(name).compute(only_base)
