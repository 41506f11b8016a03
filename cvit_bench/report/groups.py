"""Runs that differ in nothing but their seeds, taken together: a mean, and a spread for each kind of seed.

Training seeds and router seeds are kept apart. The mean is over training seeds with one router seed, so that
trying more routers with one of them gives it no more weight.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev

from cvit_bench.records.entry import Entry
from cvit_bench.records.files import canonical_json
from cvit_bench.records.provenance import part
from cvit_bench.records.results import Estimate, Matrices, Matrix, MetricResult, TaskScore
from cvit_bench.report.columns import Column, find


@dataclass(frozen=True)
class Spread:
    """Standard deviations of one metric; None where there are not two values to compare."""

    seeds: float | None
    routers: float | None


@dataclass(frozen=True)
class Group:
    """The runs of one method with the same settings.

    Attributes:
        runs: all of them.
        trained: one for each training seed, with the router seed that most of them have.
        routed: one for each router seed, with one training seed; none where a single one was tried.
    """

    runs: tuple[Entry, ...]
    trained: tuple[Entry, ...]
    routed: tuple[Entry, ...] = ()

    @cached_property
    def mean(self) -> Entry:
        """The mean over training seeds as an entry; a lone run is itself."""
        first = self.trained[0]
        if len(self.trained) == 1:
            return first
        seeds = tuple(seed for run in self.trained for seed in run.seeds)
        means = {
            "metrics": tuple(self._mean_metric(metric) for metric in first.metrics),
            "matrices": _mean_matrices([run.matrices for run in self.trained]),
            "task_scores": _mean_scores(self.trained),
        }
        return first.model_copy(update={"seeds": seeds, "series": (), **means})

    def spread(self, column: Column) -> Spread:
        """Return how much a metric differs from run to run, over each kind of seed."""
        return Spread(_deviation(self.trained, column), _deviation(self.routed, column))

    def judged(self, column: Column) -> MetricResult | None:
        """Return the mean with an interval that holds every run's own value: what ranks are decided by."""
        metric = find(self.mean.metrics, column)
        own = [found.value for run in self.runs if (found := find(run.metrics, column)) is not None]
        values = [value for value in own if value is not None]
        if metric is None or metric.ci_low is None or metric.ci_high is None or len(values) < 2:
            return metric
        ends = {"ci_low": min(metric.ci_low, *values), "ci_high": max(metric.ci_high, *values)}
        return metric.model_copy(update=ends)

    def _mean_metric(self, metric: MetricResult) -> MetricResult:
        """Return a metric's mean; its interval is the mean of the ends, for all runs share their samples."""
        same = [one for run in self.trained for one in run.metrics if one.id == metric.id]
        without = next((one for one in same if one.value is None), None)
        if without is not None or len(same) < len(self.trained):
            reason = (without and without.reason) or "not every run has it"
            gone = {"value": None, "ci_low": None, "ci_high": None, "n": None, "reason": reason}
            return metric.model_copy(update=gone)
        return metric.model_copy(update=_mean_ends(same))


def group_runs(entries: Sequence[Entry]) -> list[Group]:
    """Put runs together that differ in their seeds alone; whatever says too little of itself stays alone."""
    together: dict[str, dict[tuple[int, int], Entry]] = {}
    groups: list[Group] = []
    for entry in entries:
        key, place = _settings(entry), (_training_seed(entry), router_seed(entry) or 0)
        if key is None or place in together.get(key, {}):
            groups.append(Group((entry,), (entry,)))
        else:
            together.setdefault(key, {})[place] = entry
    return [*groups, *(_grouped(runs) for runs in together.values())]


def router_seed(entry: Entry) -> int | None:
    """Return the seed of a run's routers, None where it has none of its own."""
    found = part(entry.provenance, "training", "adapter_config").get("router_seed")
    return found if isinstance(found, int) else None


def _grouped(runs: dict[tuple[int, int], Entry]) -> Group:
    router = _most([place[1] for place in runs])
    trained = {seed: entry for (seed, own), entry in sorted(runs.items()) if own == router}
    seed = _most([seed for seed, _ in runs if seed in trained])
    routed = [entry for (own, _), entry in sorted(runs.items()) if own == seed]
    ordered = tuple(entry for _, entry in sorted(runs.items()))
    return Group(ordered, tuple(trained.values()), tuple(routed) if len(routed) > 1 else ())


def _settings(entry: Entry) -> str | None:
    """Return all that runs of one group have in common, or None where that is not known."""
    training = part(entry.provenance, "training")
    if entry.kind != "run" or len(entry.seeds) != 1 or not training:
        return None
    config = training.get("adapter_config")
    adapter = {k: v for k, v in config.items() if k != "router_seed"} if isinstance(config, dict) else config
    base = entry.provenance.get("base")
    shared = {
        "about": [entry.method, entry.title, entry.schedule, entry.task_identity, entry.templates],
        "matrix": [entry.variants, [stage.name for stage in entry.stages], [t.name for t in entry.tasks]],
        "design": [entry.provenance.get(key) for key in ("design", "resample")],
        "base": base.get("sha256") if isinstance(base, dict) else base,
        "training": {k: v for k, v in training.items() if k not in ("seed", "adapter_config")},
        "adapter": adapter,
    }
    return canonical_json(shared)


def _training_seed(entry: Entry) -> int:
    return entry.seeds[0] if entry.seeds else 0


def _most(values: Sequence[int]) -> int:
    """Return the most frequent value, the lowest of several."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def _deviation(runs: Sequence[Entry], column: Column) -> float | None:
    found = [find(run.metrics, column) for run in runs]
    values = [one.value for one in found if one is not None and one.value is not None]
    return stdev(values) if len(values) == len(runs) > 1 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 6) if len(known) == len(values) else None


def _mean_scores(runs: Sequence[Entry]) -> tuple[TaskScore, ...]:
    """Return the mean score of each task that every run has, its interval as that of a metric's mean."""
    found: dict[str, list[Estimate]] = {}
    for one in (score for run in runs for score in run.task_scores):
        found.setdefault(one.task, []).append(one.strict)
    return tuple(
        TaskScore(task=task, strict=Estimate.model_validate(_mean_ends(scores)))
        for task, scores in found.items()
        if len(scores) == len(runs)
    )


def _mean_ends(found: Sequence[Estimate | MetricResult]) -> dict[str, float | None]:
    return {key: _mean([getattr(one, key) for one in found]) for key in ("value", "ci_low", "ci_high")}


def _mean_matrices(matrices: Sequence[Matrices]) -> Matrices:
    def mean(parts: Sequence[Matrix]) -> Matrix:
        return tuple(
            tuple(_mean(cells) for cells in zip(*rows, strict=True)) for rows in zip(*parts, strict=True)
        )

    names = ("S", "K", "F") if any(one.L is None for one in matrices) else ("S", "K", "F", "L")
    return Matrices(**{name: mean([getattr(one, name) for one in matrices]) for name in names})
