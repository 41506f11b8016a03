"""Tests of two runs on the same items, and what a difference comes to.

Right and wrong, one item a cluster: McNemar's test, exact. Anything else: a permutation test that swaps the
two runs cluster by cluster. Several tasks: Holm's correction.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from cvit_bench.records.matrix import Array

PERMUTATIONS = 10_000
_ENUMERATED = 12
_BLOCK = 4_000_000

Test = Literal["mcnemar", "permutation"]


@dataclass(frozen=True)
class PairedTest:
    """What a test of one task says.

    Attributes:
        test: which one.
        p: two-sided p-value of "no difference".
        effect: size of the difference without a unit. McNemar: Cohen's g, the share of the samples that
            differ which are right in the second run, minus ½ (0.05 small, 0.15 medium, 0.25 large).
            Permutation: mean over standard deviation of the clusters' differences (Cohen's d of pairs;
            0.2, 0.5, 0.8); None where these are all the same.
    """

    test: Test
    p: float
    effect: float | None


def paired_test(first: Array, second: Array, clusters: Array, seed: int = 0) -> PairedTest:
    """Compare the scores of two runs on the same items, [num_items] each."""
    changes = _cluster_changes(first, second, clusters)
    if len(changes) == len(first) and np.isin((first, second), (0.0, 1.0)).all():
        gained, lost = int((changes > 0).sum()), int((changes < 0).sum())
        effect = gained / (gained + lost) - 0.5 if gained + lost else 0.0
        return PairedTest("mcnemar", mcnemar(lost, gained), effect)
    return PairedTest("permutation", permutation(changes, seed), _standardised(changes))


def mcnemar(lost: int, gained: int) -> float:
    """Return the exact two-sided p: 2 · P(X ≤ min(lost, gained)), X ~ Bin(lost + gained, ½), at most 1."""
    from scipy.special import bdtr

    num = lost + gained
    return min(1.0, 2 * float(bdtr(min(lost, gained), num, 0.5))) if num else 1.0


def permutation(changes: Array, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """Return the share of sign changes of the clusters' differences whose sum is as far from 0 as theirs.

    All 2^n are tried for up to 12 clusters that differ, else a random sample, which counts what was seen
    as one more (Phipson and Smyth 2010).
    """
    moved = changes[np.abs(changes) > 1e-12]
    if not len(moved):
        return 1.0
    seen = abs(moved.sum()) - 1e-9 * np.abs(moved).sum()
    if len(moved) <= _ENUMERATED:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(moved))))
        return float((np.abs(signs @ moved) >= seen).mean())
    far = sum(int((np.abs(signs @ moved) >= seen).sum()) for signs in _signs(len(moved), permutations, seed))
    return (far + 1) / (permutations + 1)


def _signs(num: int, permutations: int, seed: int) -> Iterator[Array]:
    generator, block = np.random.default_rng((seed, num)), max(1, _BLOCK // num)
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        yield generator.integers(2, size=(rows, num)).astype(np.float64) * 2 - 1


def _cluster_changes(first: Array, second: Array, clusters: Array) -> Array:
    """Return for each cluster the sum of second − first over its items."""
    _, cluster_of = np.unique(clusters, return_inverse=True)
    return np.bincount(cluster_of, weights=second - first).astype(np.float64)


def _standardised(changes: Array) -> float | None:
    spread = float(changes.std(ddof=1)) if len(changes) > 1 else 0.0
    return float(changes.mean()) / spread if spread > 1e-12 else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given: below α they hold together at level α (1979)."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def detectable(draws: Array, level: float = 0.95, power: float = 0.8) -> float:
    """Return the smallest difference that these samples would show at `level` with that power.

    (z_{(1 + level)/2} + z_power) · standard error, 2.8 · SE at 95 % and 80 %; SE from bootstrap draws.
    """
    normal = NormalDist()
    deviation = math.sqrt(float(np.var(draws, ddof=1)))
    return (normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)) * deviation
