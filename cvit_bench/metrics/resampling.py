"""The bootstrap: clusters of items drawn with replacement, one draw for all stages and fields of a task.

What is drawn is a cluster (all questions on one picture, in all wordings): it brings all of its items to
every stage and every field, so that stages, S, K and F, and two runs on the same samples, are compared in
pairs. From the resampled means of the fields the matrices, and from these the metrics, are computed again.

A resample can show nothing that no sample showed: where all of n answers are right, or two stages agree on
every sample, its spread is 0, and the truth can still be three samples in n away. So every mean moves, in
every draw and for each stage and field on its own, as if one cluster more stood at either end of the scale:

    ε = [(g₁ − 1) · (high − m) − (g₀ − 1) · (m − low)] / (n + 2),   g₀, g₁ ~ Exp(1)

with m the mean of n clusters. Exp(1) is the weight of one observation in the Bayesian bootstrap (Rubin
1981), and two observations more are what Agresti and Min (2005) add for a difference of paired shares; the
− 1 keeps the mean where it is. At 0/n the upper end is 2.7/(n + 2); two stages that agree everywhere differ
by 0 ± 2/n. Where n p (1 − p) is large against 1 it adds next to nothing.

Drawing images alone, an interval is about the V wordings that were asked. Wordings may be a second, crossed
level, a sample of all the ways to ask (`second="wordings"`): each draw moves the mean of a task, for all
stages and fields and for both runs of a pair alike, by

    Δ = Σ_v c_v · (m_v − m),    c_v = (z_v − z̄) / √(V (V − 1)) · √((V − 1) / χ²),    z_v ~ N(0, 1)

with m_v the mean of wording v, m that of all, and χ² drawn with V − 1 degrees of freedom: Δ · √V / s follows
Student's t with V − 1 degrees, s² the variance of the m_v. Drawing V of V wordings with replacement instead
would have (V − 1)/V of that variance, and no wider tails where V is small: 5 redrawn wordings hold the truth
in 4 of 5 intervals. The noise that samples leave in every m_v counts once more, so intervals are rather too
wide than too narrow. One wording alone says nothing about others, and moves nothing.
"""

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from cvit_bench.records.matrix import Array

Integers = npt.NDArray[np.int64]

RESAMPLES = 2000
SecondLevel = Literal["items", "wordings"]
_BLOCK = 4_000_000
_WORDED = 1


@dataclass(frozen=True)
class Items:
    """What was measured on the items of one task; an item is a sample in one wording.

    Attributes:
        fields: name -> [num_stages, num_items]; NaN where a stage was not run, or where an item has no such
            value. Fields need not have the same items.
        clusters: [num_items], any integers; items with the same one are drawn together.
        highest: name -> largest value that a field can have, 1 where not named; the smallest is 0.
        wordings: [num_items], any integers: which wording an item was asked in; None: all in one.
        of_wordings: fields that tell of these wordings themselves; other wordings do not bear on them.
    """

    fields: Mapping[str, Array]
    clusters: Integers
    highest: Mapping[str, float] = field(default_factory=dict)
    wordings: Integers | None = None
    of_wordings: Collection[str] = ()


def field_means(tasks: Mapping[str, Items], order: Sequence[str]) -> dict[str, Array]:
    """Return field -> [num_stages, num_tasks]: means over the items that have a value, NaN without any."""
    return _columns({task: _own_means(items) for task, items in tasks.items()}, order)


def resampled_means(
    tasks: Mapping[str, Items],
    order: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
    second: SecondLevel | None = None,
    run: int = 0,
) -> dict[str, Array]:
    """Return field -> [resamples, num_stages, num_tasks]: means of each bootstrap draw.

    Args:
        tasks: task -> its items.
        order: the tasks of the last axis; one that has no items is NaN.
        resamples: number of draws.
        seed: a task's draws depend on it, on the task's name and on the number of its clusters alone.
        second: what is drawn beside clusters; the default is the first level alone. `items`: items within
            every drawn cluster, which counts the spread within clusters twice (Davison and Hinkley 1997,
            3.8): for few items a cluster that stand for many more. `wordings`: the wordings, the same for
            all clusters, as some of all that might have been asked (Δ above).
        run: which of several runs on the same items: they share the draws and have each their own ε.
    """
    found = {
        task: _task_draws(items, resamples, (seed, zlib.crc32(task.encode("utf-8"))), second, run)
        for task, items in tasks.items()
    }
    return _columns(found, order)


def _columns(by_task: Mapping[str, Mapping[str, Array]], order: Sequence[str]) -> dict[str, Array]:
    """Put task -> field -> [...] together as field -> [..., num_tasks]."""
    shapes = {name: means.shape for fields in by_task.values() for name, means in fields.items()}
    return {
        name: np.stack([by_task.get(task, {}).get(name, np.full(shape, np.nan)) for task in order], axis=-1)
        for name, shape in shapes.items()
    }


def _own_means(items: Items) -> dict[str, Array]:
    """Return field -> [num_stages]."""
    return {name: _ratio(np.nansum(rows, axis=1), (~np.isnan(rows)).sum(axis=1))
            for name, rows in items.fields.items()}  # fmt: skip


def _task_draws(
    items: Items, resamples: int, key: tuple[int, int], second: SecondLevel | None, run: int
) -> dict[str, Array]:
    """Return field -> [resamples, num_stages]."""
    names = list(items.fields)
    rows = np.concatenate([items.fields[name] for name in names])  # [num_fields · num_stages, num_items]
    highest = np.repeat([items.highest.get(name, 1.0) for name in names], len(rows) // len(names))
    _, cluster_of = np.unique(items.clusters, return_inverse=True)
    draws = _drawn_means(rows, cluster_of, resamples, np.random.default_rng(key), second == "items")
    if second == "wordings" and items.wordings is not None:
        others = np.repeat([name not in items.of_wordings for name in names], len(rows) // len(names))
        moves = wording_moves(rows[others], items.wordings, resamples, np.random.default_rng((*key, _WORDED)))
        draws[:, others] += moves
    ends = _ends(rows, cluster_of, highest)
    means = {}
    for at, name in enumerate(names):
        own = slice(at * (len(rows) // len(names)), (at + 1) * (len(rows) // len(names)))
        generator = np.random.default_rng((*key, zlib.crc32(name.encode("utf-8")), run))
        means[name] = _with_ends(draws[:, own], [end[own] for end in ends], generator)
    return means


def _drawn_means(
    rows: Array, cluster_of: Integers, resamples: int, generator: np.random.Generator, within: bool
) -> Array:
    """Return [resamples, num_rows]: Σ_u w_u · (sum of u) / Σ_u w_u · (number of u's values).

    The units u are the clusters, or with two levels their items.
    """
    if within:
        sums, counts = np.nan_to_num(rows).T, (~np.isnan(rows)).T.astype(np.float64)
        blocks = _two_level_draws(cluster_of, resamples, generator)
    else:
        sums, counts = _cluster_sums(rows, cluster_of)
        blocks = _draws(len(sums), resamples, generator)
    means = np.concatenate([_ratio(weights @ sums, weights @ counts) for weights in blocks])
    own = _ratio(sums.sum(axis=0), counts.sum(axis=0))
    return np.where(np.isnan(means), own, means)  # a draw without any item of a row says nothing about it


def _cluster_sums(rows: Array, cluster_of: Integers) -> tuple[Array, Array]:
    """Return the sum of each cluster's values and their number, [num_clusters, num_rows] each."""
    filled, present = np.nan_to_num(rows), (~np.isnan(rows)).astype(np.float64)
    sums, counts = (
        np.stack([np.bincount(cluster_of, weights=row) for row in rows], axis=1).astype(np.float64)
        for rows in (filled, present)
    )
    return sums, counts


def _draws(num: int, resamples: int, generator: np.random.Generator) -> Iterator[Array]:
    """Yield blocks of multinomial weights [some, num]: how often each of `num` is drawn in `num` draws."""
    block = max(1, _BLOCK // num)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(num, size=(rows, num)) + num * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * num).reshape(rows, num).astype(np.float64)


def _two_level_draws(cluster_of: Integers, resamples: int, generator: np.random.Generator) -> Iterator[Array]:
    """Yield weights of items [1, num_items]: clusters drawn, then as many items in each as it has."""
    order, sizes = np.argsort(cluster_of, kind="stable"), np.bincount(cluster_of)
    starts = np.cumsum(sizes) - sizes
    for _ in range(resamples):
        drawn = generator.integers(len(sizes), size=len(sizes))
        lengths = np.repeat(sizes[drawn], sizes[drawn])
        places = np.repeat(starts[drawn], sizes[drawn]) + (generator.random(len(lengths)) * lengths).astype(
            int
        )
        yield np.bincount(order[places], minlength=len(order)).astype(np.float64)[None]


def _ends(rows: Array, cluster_of: Integers, highest: Array) -> tuple[Array, ...]:
    """Return for each row its mean, the ends of its scale, and its number of clusters, [num_rows] each.

    The scale is the range of the clusters' means, or all that the field can be where these are equal.
    """
    sums, counts = _cluster_sums(rows, cluster_of)
    mean, shares = _ratio(sums.sum(axis=0), counts.sum(axis=0)), _ratio(sums, counts)
    low = np.min(shares, axis=0, where=counts > 0, initial=np.inf)
    high = np.max(shares, axis=0, where=counts > 0, initial=-np.inf)
    is_flat = high - low <= 1e-12 * np.maximum(1.0, high)
    low, high = (
        np.where(is_flat, np.minimum(0.0, low), low),
        np.where(is_flat, np.maximum(highest, high), high),
    )
    return mean, low, high, (counts > 0).sum(axis=0).astype(np.float64)


def _with_ends(draws: Array, ends: Sequence[Array], generator: np.random.Generator) -> Array:
    """Return draws + ε, cut to the scale."""
    mean, low, high, num = ends
    above, below = generator.standard_exponential((2, *draws.shape)) - 1
    moved: Array = draws + (above * (high - mean) - below * (mean - low)) / (num + 2)
    return np.clip(moved, low, high)


def _ratio(sums: Array, counts: npt.NDArray[np.generic]) -> Array:
    """Return sums / counts, NaN where nothing was counted."""
    return np.divide(sums, counts, out=np.full(np.shape(sums), np.nan), where=np.asarray(counts) > 0)


def wording_moves(rows: Array, wordings: Integers, resamples: int, generator: np.random.Generator) -> Array:
    """Return Δ, [resamples, num_rows].

    Args:
        rows: [num_rows, num_items]; NaN where a row has no such item.
        wordings: [num_items], which wording an item was asked in.
        resamples: number of draws.
        generator: where they are drawn from.
    """
    _, wording_of = np.unique(wordings, return_inverse=True)
    num = int(wording_of.max()) + 1
    present = ~np.isnan(rows)
    counts = _by_wording(present.astype(np.float64), wording_of, num)
    sums = _by_wording(np.nan_to_num(rows), wording_of, num)
    asked = counts > 0
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=asked)
    away = np.where(asked, means - (shares * means).sum(axis=1, keepdims=True), 0.0)
    normal, levels = generator.standard_normal((resamples, num)), generator.random(resamples)
    found = np.zeros((resamples, len(rows)))
    for pattern in np.unique(asked, axis=0):
        if pattern.sum() > 1:
            own = (asked == pattern).all(axis=1)
            weights = pattern.sum() * shares[own][:, pattern]
            found[:, own] = _contrasts(normal[:, pattern], levels) @ (weights * away[own][:, pattern]).T
    return found


def _contrasts(normal: Array, levels: Array) -> Array:
    """Return c, [resamples, V]: χ² is the one whose level is drawn."""
    from scipy.special import chdtri

    num = normal.shape[1]
    scale = np.sqrt((num - 1) / chdtri(num - 1, levels))[:, None] / np.sqrt(num * (num - 1))
    contrasts: Array = scale * (normal - normal.mean(axis=1, keepdims=True))
    return contrasts


def _by_wording(rows: Array, wording_of: Integers, num: int) -> Array:
    """Return the sums of each wording's items, [num_rows, num_wordings]."""
    sums = [np.bincount(wording_of, weights=row, minlength=num) for row in rows]
    return np.stack(sums).astype(np.float64)
