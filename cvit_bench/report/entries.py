"""The entries of a leaderboard, and the rule that keeps them comparable."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.entry import Entry
from cvit_bench.records.load import load_json
from cvit_bench.records.shape import refuse_ragged
from cvit_bench.report.published import published_suites
from cvit_bench.text import unknown_name

FOLDER = "entries"
_SHOWN = 12
"""Hex digits of a hash that are compared and shown."""


@dataclass(frozen=True)
class Placed:
    """An entry and the file it came from."""

    path: Path
    entry: Entry


def suites(out: Path) -> list[str]:
    """Return the suites that have entries or published figures, by name."""
    run = {folder.parent.name for folder in out.glob(f"*/{FOLDER}") if any(folder.glob("*.json"))}
    return sorted(run | published_suites(out))


def entry_path(out: Path, suite: str, name: str) -> Path:
    """Return where an entry lives."""
    return out / suite / FOLDER / f"{name}.json"


def load_entries(out: Path, suite: str) -> list[Entry]:
    """Read a suite's entries in the order of their files; refuse those that cannot stand side by side.

    A suite may have published figures and no entry; one that has neither is unknown.
    """
    placed = read_entries(out, suite)
    if not placed and suite not in suites(out):
        raise CvitBenchError(f"{out}: no entries: {unknown_name('suite', suite, suites(out))}")
    kinds: dict[object, Placed] = {}
    for one in placed:
        refuse_ragged(one.path, one.entry)
        refuse_mismatch(one, suite, list(kinds.values()))
        kinds.setdefault(_compared(one.entry), one)
    return [one.entry for one in placed]


def read_entries(out: Path, suite: str) -> list[Placed]:
    """Read a suite's entry files as they are."""
    files = sorted((out / suite / FOLDER).glob("*.json"))
    return [Placed(path, load_json(path, Entry)) for path in files]


def refuse_mismatch(new: Placed, suite: str, others: Sequence[Placed]) -> None:
    """Raise unless `new` belongs to the suite and was measured on what the other runs were measured on."""
    if new.entry.suite != suite:
        raise CvitBenchError(f"{new.path}: suite: {new.entry.suite!r} does not belong to suite {suite!r}")
    for other in others:
        found = _difference(new.entry, other.entry)
        if found:
            key, mine, theirs = found
            raise CvitBenchError(
                f"{new.path}: {key}: {mine}, but {other.path} has {theirs}; "
                "a leaderboard holds runs of one suite version on the same tasks and samples"
            )


def _compared(entry: Entry) -> object:
    """Return what entries are told apart by: of those that share it one stands for all."""
    tasks = tuple((task.name, task.n, task.unseen, task.scorer) for task in entry.tasks)
    return entry.suite_version, entry.kind == "published", entry.schedule == "per_task", tasks


def _difference(mine: Entry, theirs: Entry) -> tuple[str, object, object] | None:
    """Return the first key that keeps two entries apart.

    Published figures only share the suite version, and a per-task run is asked no unseen task.
    """
    if mine.suite_version != theirs.suite_version:
        return "suite_version", mine.suite_version, theirs.suite_version
    if "published" in (mine.kind, theirs.kind):
        return None
    both = "per_task" not in (mine.schedule, theirs.schedule)
    ours = {task.name: task for task in mine.tasks if both or not task.unseen}
    other = {task.name: task for task in theirs.tasks if both or not task.unseen}
    if set(ours) != set(other):
        return "tasks", ", ".join(sorted(ours)), ", ".join(sorted(other))
    for name, task in ours.items():
        for key in ("n", "unseen", "scorer"):
            if getattr(task, key) != getattr(other[name], key):
                return f"tasks.{name}.{key}", getattr(task, key), getattr(other[name], key)
        hashes = _data(mine, name), _data(theirs, name)
        if None not in hashes and hashes[0] != hashes[1]:
            return f"provenance.data.{name}", hashes[0], hashes[1]
    return None


def _data(entry: Entry, task: str) -> dict[str, str] | None:
    """Return the hashes of the files that a task's samples came from, None where the entry does not say."""
    found = entry.provenance.get("data")
    named = found.get(task) if isinstance(found, dict) else None
    return (
        {str(name): str(digest)[:_SHOWN] for name, digest in named.items()}
        if isinstance(named, dict)
        else None
    )
