"""Intervals: of one cell from its samples, and of metrics by resampling samples.

Cells: Wilson's interval where every score is 0 or 1 (it has width at 0/n and n/n), Student's t elsewhere.
Metrics: paired bootstrap. Every task's samples (or clusters of samples, such as all questions on one image)
are drawn with replacement, one draw for all stages, and each metric is computed again on the matrix of means.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import Array, ScoreMatrix

Integers = npt.NDArray[np.int64]
Interval = tuple[float, float]
Metric = Callable[[ScoreMatrix], float]

_BLOCK = 4_000_000


def wilson(successes: float, n: int, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a share, in [0, 1].

    (p + z²/2n ± z · √(p(1−p)/n + z²/4n²)) / (1 + z²/n), p = successes/n (Wilson, 1927).
    """
    if n < 1:
        raise MetricUndefinedError("there is no sample")
    share, z = successes / n, NormalDist().inv_cdf((1 + level) / 2)
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def t_interval(values: Array, level: float = 0.95, bounds: Interval = (0.0, 1.0)) -> Interval:
    """Return Student's interval of a mean, in the unit of the values: mean ± t(n−1) · s / √n.

    One value, or values that are all equal, say nothing about their spread. Then the interval is Hoeffding's,
    mean ± (b − a) · √(ln(2/α) / 2n), cut to [a, b]: `bounds`, the range that a value can have (widened where
    a value lies outside). One value gives the whole range.
    """
    if values.size == 0:
        raise MetricUndefinedError("there is no sample")
    mean, deviation = float(values.mean()), float(values.std(ddof=1)) if values.size > 1 else 0.0
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        low, high = min(bounds[0], float(values.min())), max(bounds[1], float(values.max()))
        half = (high - low) * math.sqrt(math.log(2 / (1 - level)) / (2 * values.size))
        return max(low, mean - half), min(high, mean + half)
    from scipy.special import stdtrit

    half = float(stdtrit(values.size - 1, (1 + level) / 2)) * deviation / math.sqrt(values.size)
    return mean - half, mean + half


def mean_interval(
    values: Array, level: float = 0.95, bounds: Interval = (0.0, 1.0)
) -> tuple[float, float, float]:
    """Return mean, low, high of per-sample scores: Wilson's interval if all are 0 or 1, else Student's.

    `bounds` is the range of one score ((0, 10) for CIDEr); Student's interval is cut to it.
    """
    if values.size == 0:
        raise MetricUndefinedError("there is no sample")
    mean = float(values.mean())
    if np.isin(values, (0.0, 1.0)).all():
        return (mean, *wilson(float(values.sum()), values.size, level))
    low, high = t_interval(values, level, bounds)
    return mean, min(mean, max(low, bounds[0])), max(mean, min(high, bounds[1]))


def bootstrap_metrics(  # noqa: PLR0913
    parts: Mapping[str, Array],
    template: ScoreMatrix,
    metrics: Mapping[str, Metric],
    resamples: int = 1000,
    seed: int = 0,
    *,
    clusters: Mapping[str, Integers] | None = None,
    level: float = 0.95,
) -> dict[str, Interval | None]:
    """Return the percentile interval of each metric, None where the metric is undefined.

    Args:
        parts: task -> [num_stages, num_samples], per-sample scores in percent; a stage that was not run is a
            row of NaN. The columns are the same samples at every stage.
        template: names of stages and tasks; its values are not read.
        metrics: metric id -> its `compute`.
        resamples: number of bootstrap draws.
        seed: draws depend on the seed, the task's name and the number of its clusters, so S, K and F, and two
            runs on the same samples, are resampled alike.
        clusters: task -> [num_samples], cluster of each sample (any integers); a task not named has one
            cluster a sample. A drawn cluster brings all of its samples.
        level: confidence level.
    """
    values = np.full((resamples, len(template.stages), len(template.tasks)), np.nan)
    for column, task in enumerate(template.tasks):
        if task in parts:
            ids = (clusters or {}).get(task, np.arange(parts[task].shape[1]))
            generator = np.random.default_rng((seed, zlib.crc32(task.encode("utf-8"))))
            values[:, :, column] = _resampled_means(parts[task], ids, resamples, generator)
    matrices = [replace(template, values=draw) for draw in values]
    return {name: _percentiles(compute, matrices, level) for name, compute in metrics.items()}


def _percentiles(compute: Metric, matrices: list[ScoreMatrix], level: float) -> Interval | None:
    try:
        draws = [compute(matrix) for matrix in matrices]
    except MetricUndefinedError:
        return None
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resampled_means(
    scores: Array, clusters: Integers, resamples: int, generator: np.random.Generator
) -> Array:
    """Return [resamples, num_stages]: Σ_g w_g · (sum of g's scores) / Σ_g w_g · (size of g)."""
    means = np.full((resamples, len(scores)), np.nan)
    was_run = ~np.isnan(scores).any(axis=1)
    if not was_run.any():
        return means
    _, cluster_of = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(cluster_of).astype(np.float64)
    sums = np.stack([np.bincount(cluster_of, weights=row) for row in scores[was_run]], axis=1)
    blocks = [
        (weights @ sums) / (weights @ sizes)[:, None] for weights in _draws(len(sizes), resamples, generator)
    ]
    means[:, was_run] = np.concatenate(blocks)
    return means


def _draws(num: int, resamples: int, generator: np.random.Generator) -> Iterator[Array]:
    """Yield blocks of multinomial weights [some, num]: how often each of `num` is drawn in `num` draws."""
    block = max(1, _BLOCK // num)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(num, size=(rows, num)) + num * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * num).reshape(rows, num).astype(np.float64)
