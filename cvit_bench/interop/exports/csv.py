"""CSV tables: `matrix.csv` (every cell with its intervals) and `metrics.csv`."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from cvit_bench.interop.scored_run import ScoredRun
from cvit_bench.records.files import write_text
from cvit_bench.records.results import Estimate, Results
from cvit_bench.text import spreadsheet_cell

TITLE = "CSV tables"
IS_FOLDER = True
_SCORES = ("strict", "knowledge", "form")


def write(run: ScoredRun, out: Path) -> str:
    """Write both tables; return what was written."""
    write_text(out / "matrix.csv", matrix_text(run.results))
    write_text(out / "metrics.csv", metrics_text(run.results))
    return f"{out}: matrix.csv, metrics.csv"


def matrix_text(results: Results) -> str:
    """Return every cell as a line; of scores without samples, those of the strict matrix."""
    head = ["run", "method", "stage", "task", "variant", "n"]
    head += [f"{name}{end}" for name in _SCORES for end in ("", "_ci_low", "_ci_high")]
    return _text([head, *(_cells(results) if results.cells else _values(results))])


def _cells(results: Results) -> Iterable[Sequence[object]]:
    for cell in results.cells:
        numbers = [end for name in _SCORES for end in _ends(getattr(cell, name))]
        stage = results.stages[cell.stage].name
        yield [results.run, results.title, stage, cell.task, cell.variant, cell.n, *numbers]


def _values(results: Results) -> Iterable[Sequence[object]]:
    for stage, row in zip(results.stages, results.matrices.S, strict=True):
        for task, value in zip(results.tasks, row, strict=True):
            if value is not None:
                place = [results.run, results.title, stage.name, task.name, "", ""]
                yield [*place, value, *[""] * (3 * len(_SCORES) - 1)]


def _ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.ci_low, found.ci_high


def metrics_text(results: Results) -> str:
    """Return every metric as a line; where it is undefined, with the reason."""
    head = [
        "run",
        "method",
        "metric",
        "label",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "higher_is_better",
        "reason",
    ]
    return _text(
        [
            head,
            *(
                [results.run, results.title, one.id, one.label, one.value, one.ci_low, one.ci_high, one.n,
                 one.higher_is_better, one.reason]
                for one in results.metrics
            ),
        ]
    )  # fmt: skip


def _text(rows: Iterable[Sequence[object]]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(
        [spreadsheet_cell(value) for value in row] for row in rows
    )
    return table.getvalue()
