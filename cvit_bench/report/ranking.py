"""Who is ahead of whom, as far as the intervals can tell."""

from collections.abc import Sequence

from cvit_bench.records.results import MetricResult
from cvit_bench.report.render import UNDEFINED


def clearly_better(one: MetricResult | None, other: MetricResult | None) -> bool:
    """Tell whether `one` beats `other` and their intervals do not overlap; without intervals nobody does."""
    if one is None or other is None or one.value is None or other.value is None:
        return False
    if one.ci_low is None or one.ci_high is None or other.ci_low is None or other.ci_high is None:
        return False
    return one.ci_low > other.ci_high if one.higher_is_better else one.ci_high < other.ci_low


def best(metrics: Sequence[MetricResult | None]) -> int | None:
    """Return the index of the one that clearly beats every other; None for a tie or a lone value."""
    defined = [at for at, metric in enumerate(metrics) if metric is not None and metric.value is not None]
    if len(defined) < 2:
        return None
    for at in defined:
        if all(clearly_better(metrics[at], metrics[rival]) for rival in defined if rival != at):
            return at
    return None


def rank_ranges(metrics: Sequence[MetricResult | None]) -> list[str]:
    """Return each one's rank, as `2` or as `1–3` where intervals overlap; "–" where it is undefined."""
    defined = [metric for metric in metrics if metric is not None and metric.value is not None]
    return [_rank(metric, defined) for metric in metrics]


def _rank(metric: MetricResult | None, rivals: Sequence[MetricResult]) -> str:
    if metric is None or metric.value is None:
        return UNDEFINED
    first = 1 + sum(clearly_better(rival, metric) for rival in rivals)
    last = len(rivals) - sum(clearly_better(metric, rival) for rival in rivals)
    return str(first) if first == last else f"{first}–{last}"
