"""A leaderboard entry (`leaderboards/<suite>/entries/<name>.json`): a result without its run directory."""

from typing import Literal

from cvit_bench.records.base import Name
from cvit_bench.records.provenance import part
from cvit_bench.records.results import Results, RunSummary


class Entry(RunSummary):
    """One row of a leaderboard. `published` figures were not run by us and are never ranked with `run`."""

    kind: Literal["run", "published"]
    name: Name
    source: str | None = None


def entry_of(results: Results) -> Entry:
    """Make the leaderboard entry of a run's results; scores without samples are published figures."""
    shared = {name: getattr(results, name) for name in RunSummary.model_fields}
    if any(task.n is None for task in results.tasks):
        return Entry(kind="published", name=results.run, source=_origin(results), **shared)
    return Entry(kind="run", name=results.run, **shared)


def _origin(results: Results) -> str:
    found = part(results.provenance, "trained_with", "imported")
    return f"scores without samples, from {found.get('from', 'elsewhere')}"
