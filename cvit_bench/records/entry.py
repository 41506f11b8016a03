"""A leaderboard entry (`leaderboards/<suite>/entries/<name>.json`): a result without its run directory."""

from typing import Any, Literal

from cvit_bench.records.base import FileRecord, Name
from cvit_bench.records.manifest import Schedule, TaskIdentity
from cvit_bench.records.results import Matrices, MetricResult, Results, StageInfo, TaskInfo
from cvit_bench.records.suite import TemplateSetting


class Entry(FileRecord):
    """One row of a leaderboard. `published` figures were not run by us and are never ranked with `run`."""

    kind: Literal["run", "published"]
    name: Name
    suite: Name
    suite_version: int
    method: Name
    title: str
    schedule: Schedule
    seeds: tuple[int, ...]
    task_identity: TaskIdentity
    templates: TemplateSetting
    variants: tuple[str, ...]
    stages: tuple[StageInfo, ...]
    tasks: tuple[TaskInfo, ...]
    matrices: Matrices
    metrics: tuple[MetricResult, ...]
    source: str | None = None
    provenance: dict[str, Any]


def entry_of(results: Results) -> Entry:
    """Make the leaderboard entry of a run's results."""
    shared = set(Entry.model_fields) & set(Results.model_fields)
    kept = {name: getattr(results, name) for name in shared}
    return Entry(kind="run", name=results.run, source=None, **kept)
