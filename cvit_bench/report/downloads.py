"""What can be taken away from a leaderboard: numbers as CSV and JSON, the table as LaTeX, a citation."""

import json
from collections.abc import Sequence

from cvit_bench import __version__
from cvit_bench.records.entry import Entry
from cvit_bench.records.results import MetricResult
from cvit_bench.report.board import Row
from cvit_bench.report.columns import Column
from cvit_bench.report.csv_text import as_csv
from cvit_bench.text import latex

CSV, JSON, TEX = "data.csv", "data.json", "table.tex"


def downloads(
    suite: str, entries: Sequence[Entry], rows: Sequence[Row], columns: Sequence[Column]
) -> dict[str, str]:
    """Return the files beside a page by name; none without a run."""
    if not rows:
        return {}
    return {CSV: as_csv(entries), JSON: as_json(suite, rows), TEX: as_latex(suite, rows, columns)}


def as_json(suite: str, rows: Sequence[Row]) -> str:
    """Return the ranked table: every row with its rank and all metrics; the entries hold the matrices."""
    found = {
        "suite": suite,
        "suite_version": rows[0].entry.suite_version,
        "made_by": f"cvit-bench {__version__}",
        "rows": [_row(row) for row in rows],
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _row(row: Row) -> dict[str, object]:
    entry = row.entry
    return {
        "rank": row.rank,
        "title": entry.title,
        "method": entry.method,
        "schedule": entry.schedule,
        "task_identity": entry.task_identity,
        "seeds": list(entry.seeds),
        "runs": [run.name for run in row.group.runs],
        "metrics": {
            one.id: [one.value, one.ci_low, one.ci_high] for one in entry.metrics if one.value is not None
        },
    }


def as_latex(suite: str, rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return the table, intervals as subscripts; bold as on the page."""
    head = " & ".join(["Rank", "Method", *(latex(column.label) for column in columns)])
    lines = [" & ".join([latex(row.rank), latex(row.entry.title), *_numbers(row, columns)]) for row in rows]
    version = rows[0].entry.suite_version
    about = f"{latex(suite)}, version {version}: percent, 95\\,\\% intervals over test samples."
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}", "\\begin{table}", "\\centering", f"\\caption{{{about}}}",
            f"\\begin{{tabular}}{{ll{'r' * len(columns)}}}", "\\toprule", f"{head} \\\\", "\\midrule",
            *(f"{line} \\\\" for line in lines),
            "\\bottomrule", "\\end{tabular}", "\\end{table}", "",
        ]
    )  # fmt: skip


def _numbers(row: Row, columns: Sequence[Column]) -> list[str]:
    shown = {value.column.id: value for value in row.values}
    return [_number(shown[column.id].metric, shown[column.id].is_best) for column in columns]


def _number(metric: MetricResult | None, is_best: bool) -> str:
    if metric is None or metric.value is None:
        return "--"
    value = f"\\mathbf{{{metric.value:.1f}}}" if is_best else f"{metric.value:.1f}"
    span = (
        ""
        if metric.ci_low is None or metric.ci_high is None
        else f"_{{[{metric.ci_low:.1f}, {metric.ci_high:.1f}]}}"
    )
    return f"${value}{span}$"


def citation(suite: str, rows: Sequence[Row]) -> str:
    """Return a BibTeX entry for a leaderboard."""
    version = f", version {rows[0].entry.suite_version}" if rows else ""
    return (
        f"@misc{{cvit-bench-{suite},\n"
        f"  title = {{{{cvit-bench leaderboard: {latex(suite)}{version}}}}},\n"
        f"  note = {{made by cvit-bench {__version__}; {len(rows)} methods}},\n"
        "}"
    )
