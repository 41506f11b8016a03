"""A leaderboard entry (`leaderboards/<suite>/entries/<name>.json`): a result without its run directory."""

from typing import Literal

from cvit_bench.records.base import Name
from cvit_bench.records.results import Results, RunSummary


class Entry(RunSummary):
    """One row of a leaderboard. `published` figures were not run by us and are never ranked with `run`."""

    kind: Literal["run", "published"]
    name: Name
    source: str | None = None


def entry_of(results: Results) -> Entry:
    """Make the leaderboard entry of a run's results."""
    shared = {name: getattr(results, name) for name in RunSummary.model_fields}
    return Entry(kind="run", name=results.run, **shared)
