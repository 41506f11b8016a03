"""Metrics at every stage: those of the run as if it had ended there."""

from types import ModuleType

import numpy as np

from cvit_bench import plugins
from cvit_bench.errors import MetricUndefinedError
from cvit_bench.evaluate.measures import Matrices, Measured, computed, estimated
from cvit_bench.records.results import Estimate, Series

IDS = ("ap", "map", "bwt_tm1", "seeing", "obeying", "forgetting", "mif", "unseen", "unseen_change")


def all_series(run: Measured) -> tuple[Series, ...]:
    """Return the series that have a value anywhere."""
    modules = {name: plugins.load(plugins.METRICS, name) for name in IDS}
    found = (_series(name, module, run) for name, module in modules.items())
    return tuple(one for one in found if any(one.values))


def _series(name: str, module: ModuleType, run: Measured) -> Series:
    stages = range(len(run.point["S"].stages))
    return Series(id=name, values=tuple(_value(name, module, run, stage) for stage in stages))


def _value(name: str, module: ModuleType, run: Measured, stage: int) -> Estimate | None:
    try:
        value = computed(name, module, _until(module, run.point, stage))
        draws = computed(name, module, _until(module, run.draws, stage))
    except MetricUndefinedError:
        return None
    return estimated(float(value), np.asarray(draws))


def _until(module: ModuleType, found: Matrices, stage: int) -> Matrices:
    return {kind: found[kind].until(stage) for kind in module.MATRIX}
