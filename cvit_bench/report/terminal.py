"""Results as text for a terminal: the matrix and the metrics."""

from tabulate import tabulate

from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.provenance import part
from cvit_bench.records.results import Matrix, MetricResult, Results
from cvit_bench.report.released import metrics_beside
from cvit_bench.report.terminal_beside import beside

DASH = "–"


def results_text(results: Results) -> str:
    """Return the S and F matrices and all metrics as plain tables."""
    split = "" if results.split is SplitChoice.TEST else f", {results.split.value} split"
    title = f"{results.title} on {results.suite} (version {results.suite_version}{split})"
    return "\n\n".join(
        [
            title,
            "Strict score S in percent, by stage and task (* unseen)\n"
            + _matrix(results, results.matrices.S),
            "Form kept F in percent, by stage and task\n" + _matrix(results, results.matrices.F),
            *beside(results),
            _metrics(results.metrics),
            *([_released(results)] if results.released else []),
            *_self_test(results),
        ]
    )


def _self_test(results: Results) -> list[str]:
    found = part(results.provenance, "selftest")
    if not found:
        return []
    return [f"Self-test {'passed' if found.get('passed') else 'FAILED'}: {found.get('verdict')}"]


def _matrix(results: Results, matrix: Matrix) -> str:
    headers = ["stage", *(f"{task.name}{'*' if task.unseen else ''}" for task in results.tasks)]
    rows = [
        [stage.name, *(_number(value) for value in row)]
        for stage, row in zip(results.stages, matrix, strict=True)
    ]
    return str(
        tabulate(
            rows, headers=headers, tablefmt="simple", colalign=_aligned(len(headers)), disable_numparse=True
        )
    )


def _released(results: Results) -> str:
    rows = [
        (row.label, *map(_number, (row.strict, row.released, row.difference)))
        for row in metrics_beside(results)
    ]
    headers = ("metric", "strict", "released", "difference")
    table = tabulate(
        rows, headers=headers, tablefmt="simple", colalign=_aligned(len(headers)), disable_numparse=True
    )
    return f"As the published scripts score the same answers, for comparison with their tables\n{table}"


def _metrics(metrics: tuple[MetricResult, ...]) -> str:
    rows = [
        (metric.label, _number(metric.value), _interval(metric), metric.description)
        for metric in metrics
        if metric.value is not None
    ]
    table = tabulate(
        rows,
        headers=("metric", "value", "95 % interval", "meaning"),
        tablefmt="simple",
        colalign=("left", "right", "right", "left") if rows else None,
        disable_numparse=True,
    )
    return f"{table}{_undefined(metrics)}"


def _undefined(metrics: tuple[MetricResult, ...]) -> str:
    """Return the metrics without a value, those with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for metric in metrics:
        if metric.value is None:
            by_reason.setdefault(metric.reason or "no reason given", []).append(metric.label)
    return "".join(f"\n{DASH} {', '.join(labels)}: {reason}" for reason, labels in by_reason.items())


def _aligned(count: int) -> tuple[str, ...]:
    return ("left", *("right" for _ in range(count - 1)))


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


def _interval(metric: MetricResult) -> str:
    if metric.ci_low is None or metric.ci_high is None:
        return DASH
    return f"{metric.ci_low:.1f} … {metric.ci_high:.1f}"
