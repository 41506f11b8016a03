"""Every metric of a run with its interval: on its matrices, and again on every draw of the bootstrap."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError, MetricUndefinedError
from cvit_bench.metrics.beside import matrices_beside
from cvit_bench.metrics.knowledge import matrices
from cvit_bench.metrics.resampling import RESAMPLES, Items, SecondLevel, field_means, resampled_means
from cvit_bench.metrics.uncertainty import percentile_interval
from cvit_bench.records.choices import Resample
from cvit_bench.records.matrix import KINDS, Array, Kind, ScoreMatrix
from cvit_bench.records.results import Estimate, Matrix, MetricResult

Matrices = Mapping[Kind, ScoreMatrix]


@dataclass(frozen=True)
class Measured:
    """The matrices of a run, and those of each draw of its bootstrap."""

    means: Mapping[str, Array]
    drawn_means: Mapping[str, Array]
    point: Matrices
    draws: Matrices
    num_items: int


def measured(
    items: Mapping[str, Items],
    layout: ScoreMatrix,
    resamples: int = RESAMPLES,
    seed: int = 0,
    run: int = 0,
    resample: Resample = Resample.IMAGES,
) -> Measured:
    """Average the fields of every task, once as they are and once for each draw.

    `run` tells apart several runs on the same items: their draws are the same.
    """
    means = field_means(items, layout.tasks)
    second: SecondLevel | None = "wordings" if resample is Resample.VARIANTS else None
    draws = resampled_means(items, layout.tasks, resamples, seed, second, run)
    num_items = sum(_num_scored(task) for task in items.values())
    point = _all(means, layout)
    return Measured(means, draws, point, _centred(_all(draws, layout), point), num_items)


def _centred(draws: Matrices, point: Matrices) -> Matrices:
    """Shift the draws of worst and best wordings to their own values.

    A draw adds noise to every wording, and so drives worst and best further apart than they were found.
    """
    shifted: dict[Kind, ScoreMatrix] = {}
    kinds: tuple[Kind, ...] = ("W", "B")
    for kind in kinds:
        values = draws[kind].values
        off = values.mean(axis=0) - point[kind].values
        shifted[kind] = replace(draws[kind], values=np.maximum(values - off, 0.0))
    return {**draws, **shifted}


def _all(means: Mapping[str, Array], layout: ScoreMatrix) -> Matrices:
    return {**matrices(means, layout), **matrices_beside(means, layout)}


def _num_scored(task: Items) -> int:
    """Return how many items have a score: those of form changes have none."""
    return int((~np.isnan(task.fields["strict"])).any(axis=0).sum())


def metric_results(run: Measured, within: Collection[Kind] = KINDS) -> tuple[MetricResult, ...]:
    """Return all metrics, or those of some matrices, in their order."""
    chosen = {name: one for name, one in all_metrics().items() if set(one.MATRIX) <= set(within)}
    return tuple(_result(name, module, run) for name, module in chosen.items())


def all_metrics() -> dict[str, ModuleType]:
    """Return all metrics by name, in their order."""
    modules = {name: plugins.load(plugins.METRICS, name) for name in plugins.names(plugins.METRICS)}
    return dict(sorted(modules.items(), key=lambda item: (item[1].ORDER, item[0])))


def computed(name: str, module: ModuleType, found: Matrices) -> Array:
    """Return a metric of the matrices that it names in MATRIX, one argument a letter.

    The shape is that of the matrices' leading axes: one value for one run, or one for each draw.
    """
    wanted = [found[kind] for kind in module.MATRIX]
    values = np.asarray(module.compute(*wanted), dtype=np.float64)
    if values.shape != wanted[0].values.shape[:-2]:
        raise CvitBenchError(
            f"metric {name!r}: compute: gave shape {values.shape} for matrices of shape "
            f"{wanted[0].values.shape}; it has to keep the leading axes (axis=-1 in means and sums)"
        )
    return values


def described(name: str, module: ModuleType) -> MetricResult:
    """Return what a metric says of itself, without a value."""
    return MetricResult(
        id=name,
        label=module.LABEL,
        description=module.DESCRIPTION,
        formula=module.FORMULA,
        value=None,
        higher_is_better=module.HIGHER_IS_BETTER,
    )


def _result(name: str, module: ModuleType, run: Measured) -> MetricResult:
    about = described(name, module)
    try:
        value = float(computed(name, module, run.point))
        low, high = percentile_interval(computed(name, module, run.draws), value)
    except MetricUndefinedError as error:
        return about.model_copy(update={"reason": str(error)})
    found = {"value": rounded(value), "ci_low": rounded(low), "ci_high": rounded(high)}
    return about.model_copy(update={**found, "n": run.num_items})


def estimated(value: float, draws: Array) -> Estimate:
    """Return a value in percent with the interval of its draws."""
    low, high = percentile_interval(draws, value)
    return Estimate(value=rounded(value), ci_low=rounded(low), ci_high=rounded(high))


def rounded_matrix(matrix: ScoreMatrix) -> Matrix:
    """Return the values of a matrix, None where a cell was not run."""
    return tuple(tuple(None if np.isnan(value) else rounded(value) for value in row) for row in matrix.values)


def rounded(value: float) -> float:
    """Round to a millionth of a point: beyond that lies the order of summation."""
    return round(float(value), 6) + 0.0
