"""A matrix typed by hand (csv): stages down, tasks across, percent, blank where not run; no samples.

stage,ScienceQA,TextVQA
base,50.1,3.0
ScienceQA,82.4,
TextVQA,60.2,49.9
"""

import csv
import math
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import FoundCell
from cvit_bench.records.load import read_text

TITLE = "matrix in a csv file"


def find(path: Path) -> list[FoundCell]:
    """Return the cells of a csv file."""
    rows = [(at, row) for at, row in enumerate(csv.reader(read_text(path).splitlines()), start=1) if any(row)]
    if len(rows) < 2:
        raise CvitBenchError(f"{path}: expected a line of tasks and a line for each stage")
    (first, (_, *tasks)), *lines = rows
    twice = sorted({task for task in tasks if tasks.count(task) > 1})
    if twice:
        raise CvitBenchError(f"{path}:{first}: {', '.join(twice)}: stands twice")
    return [
        FoundCell(stage.strip(), task.strip(), path, score=_percent(f"{path}:{line}: {task.strip()}", text))
        for line, (stage, *cells) in _full(path, lines, len(tasks))
        for task, text in zip(tasks, cells, strict=True)
        if text.strip()
    ]


def _full(path: Path, lines: list[tuple[int, list[str]]], width: int) -> list[tuple[int, list[str]]]:
    for line, row in lines:
        if len(row) != width + 1:
            raise CvitBenchError(f"{path}:{line}: {len(row) - 1} cells for {width} tasks")
    return lines


def _percent(place: str, text: str) -> float:
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise CvitBenchError(f"{place}: expected a percentage from 0 on (got {text.strip()!r})")
    return value
