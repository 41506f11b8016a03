"""A scored run as exports read it: results, and for every answer its sample, wording, text and scores."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from cvit_bench.data.library import Library, open_suite
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.manifest import load_manifest
from cvit_bench.records.plan import EvaluationPlan, PlannedCell, cell_path, load_plan, plan_path, scores_path
from cvit_bench.records.prediction import read_predictions
from cvit_bench.records.results import RESULTS, Results, load_results
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task


class Answered(NamedTuple):
    """One answer with its scores."""

    at: int
    sample: Sample
    prompt: str
    text: str
    extracted: str
    strict: float
    knowledge: float
    form: bool


@dataclass
class ScoredRun:
    """A run directory that `score` has finished."""

    run_dir: Path
    results: Results
    library: Library
    data_root: Path | None = None
    _samples: dict[str, list[Sample]] = field(default_factory=dict)

    @cached_property
    def plan(self) -> EvaluationPlan:
        """What was asked; raises where scores came without answers."""
        if not plan_path(self.run_dir).exists():
            raise CvitBenchError(f"{self.run_dir}: scores without samples: there are no answers to export")
        return load_plan(self.run_dir)

    def answers(self, cell: PlannedCell) -> Iterator[Answered]:
        """Yield the answers of a cell, in sample order."""
        samples = {sample.id: (at, sample) for at, sample in enumerate(self._of(cell.task))}
        path = cell_path(self.run_dir, cell)
        prompts = {found.id: found.prompt for found in read_predictions(path).predictions}
        for row in self._scores(cell):
            if row["id"] not in samples:
                raise CvitBenchError(f"{path}: id: {row['id']!r} is no sample of task {cell.task!r}")
            at, sample = samples[row["id"]]
            yield Answered(
                at, sample, prompts.get(sample.id, ""), row["text"], row["extracted"], row["strict"],
                row["knowledge"], row["form"],
            )  # fmt: skip

    def _scores(self, cell: PlannedCell) -> list[dict[str, Any]]:
        import pyarrow.parquet as pq

        path = scores_path(self.run_dir, cell.stage, cell.task)
        try:
            rows: list[dict[str, Any]] = pq.read_table(
                path, filters=[("variant", "==", cell.variant)]
            ).to_pylist()
        except (OSError, ValueError) as error:
            raise CvitBenchError(f"{path}: cannot be read ({error}); `cvit-bench score` makes it") from error
        return rows

    def _of(self, task: str) -> list[Sample]:
        if task not in self._samples:
            found = self.suite_task(task)
            self._samples[task] = load_samples(found, "test", self.data_root)
        return self._samples[task]

    def suite_task(self, name: str) -> Task:
        """Return a task of the suite."""
        return self.library.task(name)


def open_scored(run_dir: Path, data_root: Path | None = None) -> ScoredRun:
    """Open a run directory with results."""
    results = load_results(run_dir / RESULTS)
    asked = load_plan(run_dir).suite if plan_path(run_dir).exists() else load_manifest(run_dir).suite
    return ScoredRun(run_dir, results, open_suite(asked)[0], data_root)


def as_line(value: Any) -> str:
    """Return a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"
