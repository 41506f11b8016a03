"""Who is ahead of whom, as far as the intervals can tell."""

from bisect import bisect_left, bisect_right
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
    defined = {
        at: metric for at, metric in enumerate(metrics) if metric is not None and metric.value is not None
    }
    if len(defined) < 2:
        return None
    first = max(defined, key=lambda at: _worth(defined[at]))
    beaten = (clearly_better(defined[first], rival) for at, rival in defined.items() if at != first)
    return first if all(beaten) else None


def _worth(metric: MetricResult) -> float:
    value = metric.value or 0.0
    return value if metric.higher_is_better else -value


def rank_ranges(metrics: Sequence[MetricResult | None]) -> list[str]:
    """Return each one's rank, as `2` or as `1–3` where intervals overlap; "–" where it is undefined.

    All are the same metric of several runs. They are sorted once: a board may hold thousands.
    """
    defined = [metric for metric in metrics if metric is not None and metric.value is not None]
    ends = [
        (one.ci_low, one.ci_high) for one in defined if one.ci_low is not None and one.ci_high is not None
    ]
    lows, highs = sorted(low for low, _ in ends), sorted(high for _, high in ends)

    def rank(metric: MetricResult | None) -> str:
        if metric is None or metric.value is None:
            return UNDEFINED
        if metric.ci_low is None or metric.ci_high is None:
            above = below = 0
        else:
            above = len(lows) - bisect_right(lows, metric.ci_high)
            below = bisect_left(highs, metric.ci_low)
        ahead, behind = (above, below) if metric.higher_is_better else (below, above)
        first, last = 1 + ahead, len(defined) - behind
        return str(first) if first == last else f"{first}–{last}"

    return [rank(metric) for metric in metrics]
