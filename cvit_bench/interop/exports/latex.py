"""LaTeX tables (booktabs): the strict matrix and the metrics, each number with its interval."""

from pathlib import Path

from cvit_bench.interop.scored_run import ScoredRun
from cvit_bench.records.files import write_text
from cvit_bench.records.results import Results
from cvit_bench.text import latex

TITLE = "LaTeX tables"
IS_FOLDER = False


def write(run: ScoredRun, out: Path) -> str:
    """Write both tables into one file; return what was written."""
    write_text(out, tables(run.results))
    return f"{out}: two tables; \\usepackage{{booktabs}} is needed"


def tables(results: Results) -> str:
    """Return the tables of a run."""
    return f"% cvit-bench, run {latex(results.run)}\n{_matrix(results)}\n{_metrics(results)}"


def _matrix(results: Results) -> str:
    columns = [latex(task.title) + ("$^*$" if task.unseen else "") for task in results.tasks]
    rows = [
        [latex(stage.name), *(number(value) for value in row)]
        for stage, row in zip(results.stages, results.matrices.S, strict=True)
    ]
    caption = (
        f"{latex(results.title)} on {latex(results.suite)} (version {results.suite_version}): strict score "
        "in percent after each stage ($^*$ never trained on)."
    )
    return _table("l" + "r" * len(columns), ["Stage", *columns], rows, caption)


def _metrics(results: Results) -> str:
    rows = [
        [latex(one.label), number(one.value), _interval(one.ci_low, one.ci_high)]
        for one in results.metrics
        if one.value is not None
    ]
    caption = (
        f"{latex(results.title)} on {latex(results.suite)}: metrics with 95\\,\\% intervals over samples."
    )
    return _table("lrl", ["Metric", "Value", "Interval"], rows, caption)


def _table(columns: str, head: list[str], rows: list[list[str]], caption: str) -> str:
    lines = [
        "\\begin{table}", "\\centering", f"\\caption{{{caption}}}", f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule", " & ".join(head) + " \\\\", "\\midrule",
        *(" & ".join(row) + " \\\\" for row in rows),
        "\\bottomrule", "\\end{tabular}", "\\end{table}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Write a percentage with one decimal; a dash where there is none."""
    return "--" if value is None else f"${value:.1f}$"


def _interval(low: float | None, high: float | None) -> str:
    return "--" if low is None or high is None else f"$[{low:.1f}, {high:.1f}]$"
