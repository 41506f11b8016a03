"""A matrix typed by hand (csv): stages down, tasks across, percent, blank where not run; no samples.

stage,ScienceQA,TextVQA
base,50.1,3.0
ScienceQA,82.4,
TextVQA,60.2,49.9
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import FoundCell
from cvit_bench.records.load import read_text
from cvit_bench.records.typed import HIGHEST

TITLE = "matrix in a csv file"
_SHOWN = 40
_NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def find(path: Path) -> list[FoundCell]:
    """Return the cells of a csv file."""
    rows = _rows(path)
    if len(rows) < 2:
        raise CvitBenchError(f"{path}: expected a line of tasks and a line for each stage")
    (first, (_, *tasks)), *lines = rows
    _refuse_twice(path, [(first, task.strip()) for task in tasks])
    _refuse_twice(path, [(line, stage.strip()) for line, (stage, *_) in lines])
    return [
        FoundCell(stage.strip(), task.strip(), path, score=_percent(f"{path}:{line}: {task.strip()}", text))
        for line, (stage, *cells) in _full(path, lines, len(tasks))
        for task, text in zip(tasks, cells, strict=True)
        if text.strip()
    ]


def _refuse_twice(path: Path, named: Sequence[tuple[int, str]]) -> None:
    seen: set[str] = set()
    for line, name in named:
        if name in seen:
            raise CvitBenchError(f"{path}:{line}: {name}: stands twice")
        seen.add(name)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the lines that are not blank, each with its number."""
    lines = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        return [(lines.line_num, row) for row in lines if any(row)]
    except csv.Error as error:
        raise CvitBenchError(f"{path}:{lines.line_num}: not a line of a csv file ({error})") from error


def _full(path: Path, lines: list[tuple[int, list[str]]], width: int) -> list[tuple[int, list[str]]]:
    for line, row in lines:
        if len(row) != width + 1:
            raise CvitBenchError(f"{path}:{line}: {len(row) - 1} cells for {width} tasks")
    return lines


def _percent(place: str, text: str) -> float:
    said = text.strip().removesuffix("%").strip()
    if not _NUMBER.fullmatch(said) or float(said) > HIGHEST:
        raise CvitBenchError(
            f"{place}: expected a percentage, or CIDEr × 100, from 0 to {HIGHEST} (got {said[:_SHOWN]!r})"
        )
    return float(said)
