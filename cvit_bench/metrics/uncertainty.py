"""Intervals: of one cell from its samples, and of a metric from the draws of its bootstrap.

Cells: Wilson's interval where every score is 0 or 1 (it has width at 0/n and n/n), Student's t elsewhere.
"""

import math
from statistics import NormalDist

import numpy as np

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.records.matrix import Array

Interval = tuple[float, float]


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


def percentile_interval(draws: Array, value: float, level: float = 0.95) -> Interval:
    """Return the interval between the percentiles of bootstrap draws; it holds the value itself."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), value), max(float(high), value)
