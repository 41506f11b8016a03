"""Published tables of a suite, each with what its own scores give: printed and recomputed side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from cvit_bench.errors import CvitBenchError, MetricUndefinedError
from cvit_bench.metrics import ap, bwt_t, bwt_tm1, learning_accuracy
from cvit_bench.metrics import map as mean_ap
from cvit_bench.records.load import load_json
from cvit_bench.records.matrix import ScoreMatrix
from cvit_bench.records.published import AGGREGATES, Published, PublishedMatrix, PublishedRow

T = TypeVar("T")

FOLDER = "published"
MEAN_TOLERANCE = 0.0051
"""Half a unit of the second decimal; two published rows sit on that edge."""
BWT_TOLERANCE = 0.0151
"""A BWT made of two rounded means moves by up to 3/2 units of the second decimal."""

_OF_MATRICES = {
    "AP": ap,
    "Learning accuracy": learning_accuracy,
    "MAP": mean_ap,
    "BWT (÷T−1)": bwt_tm1,
    "BWT (÷T)": bwt_t,
}


@dataclass(frozen=True)
class Checked:
    """One printed aggregate; `recomputed` None where the printed scores do not give it."""

    printed: float | None
    recomputed: float | None = None
    tolerance: float = MEAN_TOLERANCE
    reason: str | None = None

    @property
    def agrees(self) -> bool:
        """Tell whether print and computation differ by rounding alone; true where nothing can be compared."""
        if self.printed is None or self.recomputed is None:
            return True
        return abs(self.printed - self.recomputed) <= self.tolerance


@dataclass(frozen=True)
class TableRow:
    """A printed line: aggregates in the order of the table's labels, scores in the order of its tasks."""

    row: PublishedRow
    aggregates: tuple[Checked, ...]
    scores: tuple[float | None, ...]


@dataclass(frozen=True)
class MatrixTable:
    """A recovered matrix and the metrics that it gives over the tasks that have figures."""

    matrix: PublishedMatrix
    measured: tuple[str, ...]
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class PublishedTable:
    """Everything of one protocol."""

    about: Published
    labels: tuple[str, ...]
    rows: tuple[TableRow, ...]
    matrices: tuple[MatrixTable, ...]

    @property
    def has_scores(self) -> bool:
        """Tell whether any line has scores by task."""
        return any(score is not None for row in self.rows for score in row.scores)

    @property
    def recomputes(self) -> bool:
        """Tell whether anything printed can be compared with what its scores give."""
        return any(value.recomputed is not None for row in self.rows for value in row.aggregates)

    @property
    def base(self) -> str | None:
        """The base model of all lines, None where they differ."""
        return _shared([line.row.base for line in self.rows])

    @property
    def source(self) -> tuple[str, str] | None:
        """Source and evidence of all lines, None where they differ."""
        return _shared([(line.row.source, line.row.evidence) for line in self.rows])

    @property
    def has_notes(self) -> bool:
        """Tell whether a line has something of its own to say about where it comes from."""
        return self.source is None or any(line.row.note or line.row.mismatch for line in self.rows)

    @property
    def num_figures(self) -> int:
        """Number of methods or runs."""
        return len(self.rows) + len(self.matrices)


def published_suites(out: Path) -> set[str]:
    """Return the suites that have published figures."""
    return {found.suite for found in read_published(out)}


def read_published(out: Path) -> list[Published]:
    """Read every protocol of a folder of leaderboards, by the names of the files."""
    found = []
    for path in sorted((out / FOLDER).glob("*.json"), key=lambda path: path.stem):
        record = load_json(path, Published)
        if record.protocol != path.stem:
            raise CvitBenchError(f"{path}: protocol: must be the file's name {path.stem!r}")
        found.append(record)
    return found


def published_tables(out: Path, suite: str) -> list[PublishedTable]:
    """Return the tables of a suite, one a protocol."""
    return [published_table(record) for record in read_published(out) if record.suite == suite]


def published_table(about: Published) -> PublishedTable:
    """Lay out one protocol, every printed aggregate beside what the printed scores give."""
    labels = tuple(label for label in AGGREGATES if any(label in row.printed for row in about.rows))
    rows = tuple(
        TableRow(
            row,
            tuple(_checked(about, row, label) for label in labels),
            tuple(row.scores.get(task) for task in about.tasks),
        )
        for row in about.rows
    )
    return PublishedTable(about, labels, rows, tuple(_matrix_table(matrix) for matrix in about.matrices))


def _shared(values: Sequence[T]) -> T | None:
    return values[0] if len(set(values)) == 1 else None


def _checked(about: Published, row: PublishedRow, label: str) -> Checked:
    printed, reason = row.printed.get(label), row.mismatch.get(label)
    if label == about.mean:
        return Checked(printed, _mean(about, row), MEAN_TOLERANCE, reason)
    if label == "BWT":
        return Checked(printed, _bwt(about, row), BWT_TOLERANCE, reason)
    return Checked(printed, reason=reason)


def _mean(about: Published, row: PublishedRow) -> float | None:
    """Return the mean of the last row, None unless every task of the protocol has a score."""
    values = [row.scores.get(task) for task in about.tasks]
    return _or_none(ap, _score_matrix(about.tasks, about.tasks, [values], [about.tasks]))


def _bwt(about: Published, row: PublishedRow) -> float | None:
    """Return (mean of the last row − mean of the diagonal) · T / denominator, where both are printed.

    One task has no earlier one to forget.
    """
    last, diagonal = row.printed.get(about.mean or ""), row.printed.get("MFT")
    num = len(about.tasks)
    if last is None or diagonal is None or about.bwt is None or num < 2:
        return None
    return (last - diagonal) * (num / (num - 1) if about.bwt == "T-1" else 1.0)


def _matrix_table(matrix: PublishedMatrix) -> MatrixTable:
    measured = tuple(
        task for at, task in enumerate(matrix.tasks) if any(_has(row, at) for row in matrix.values)
    )
    stages = [(name, row) for name, row in zip(matrix.stages, matrix.values, strict=True) if name in measured]
    table = _score_matrix(matrix.tasks, measured, [row for _, row in stages], [(name,) for name, _ in stages])
    return MatrixTable(
        matrix, measured, {name: _or_none(metric, table) for name, metric in _OF_MATRICES.items()}
    )


def _has(row: Sequence[float | None], at: int) -> bool:
    return row[at] is not None


def _score_matrix(
    columns: Sequence[str],
    tasks: Sequence[str],
    rows: Sequence[Sequence[float | None]],
    trained: Iterable[Sequence[str]],
) -> ScoreMatrix:
    """Return R over `tasks`; row 0 is the untouched base, of which nothing is known here."""
    blank: list[float | None] = [None] * len(columns)
    places = [columns.index(task) for task in tasks]
    table = np.array([[row[at] for at in places] for row in (blank, *rows)], dtype=np.float64)
    learned = ((), *(tuple(names) for names in trained))
    return ScoreMatrix(table, tuple(map(str, range(len(table)))), tuple(tasks), learned)


def _or_none(metric: ModuleType, matrix: ScoreMatrix) -> float | None:
    try:
        return float(metric.compute(matrix))
    except MetricUndefinedError:
        return None
