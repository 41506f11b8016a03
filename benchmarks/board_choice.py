"""Settings chosen from a grid, on samples that training left out; test samples have no say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.results import Results


@dataclass(frozen=True)
class Point:
    """One value of a grid with what it scored, or why it has no score."""

    value: float
    score: float | None
    why_not: str | None = None


@dataclass(frozen=True)
class Grid:
    """All values that were tried, and the best."""

    points: tuple[Point, ...]

    @property
    def best(self) -> Point:
        """The highest score; of equal ones the smallest value."""
        scored = [(point.score, -point.value) for point in self.points if point.score is not None]
        if not scored:
            raise CvitBenchError("; ".join(f"{point.value:g}: {point.why_not}" for point in self.points))
        return next(point for point in self.points if (point.score, -point.value) == max(scored))

    @property
    def at_edge(self) -> bool:
        """Whether the best is the smallest or largest value that was tried."""
        values = [point.value for point in self.points]
        return self.best.value in (min(values), max(values))


def grid(found: Mapping[float, Results | str]) -> Grid:
    """Return the grid of validation results by value; a text says why there are none."""
    return Grid(
        tuple(
            Point(value, None, one) if isinstance(one, str) else Point(value, score_of(one))
            for value, one in found.items()
        )
    )


def score_of(results: Results) -> float:
    """Return the mean S over the tasks that were learned, after the last stage.

    The stages of a per-task run do not follow one another: there each task counts after its own.
    """
    rows = results.matrices.S
    own = {task: at for at, stage in enumerate(results.stages) for task in stage.tasks}
    alone = results.schedule == "per_task"
    cells = [rows[own[task.name] if alone else -1][at] for at, task in enumerate(results.tasks)]
    return fmean(_defined(cells, results.run))


def _defined(cells: Sequence[float | None], run: str) -> list[float]:
    found = [cell for cell in cells if cell is not None]
    if len(found) < len(cells):
        raise CvitBenchError(f"{run}: a task that it learned was not asked on the validation split")
    return found
