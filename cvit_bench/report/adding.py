"""From run directories to leaderboard entries: one file a run, and only runs that can stand side by side."""

from collections.abc import Sequence
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.entry import entry_of
from cvit_bench.records.load import save_json
from cvit_bench.records.results import Results, load_results, results_path
from cvit_bench.records.shape import refuse_ragged
from cvit_bench.report.entries import Placed, entry_path, read_entries, refuse_mismatch


def add_entry(run_dir: Path, out: Path) -> Path:
    """Turn a run's results into an entry of its suite's leaderboard; a run of the same name is replaced."""
    return add_entries([run_dir], out)[0]


def add_entries(run_dirs: Sequence[Path], out: Path) -> list[Path]:
    """Add several runs, all of them or, where one is refused, none; return the entries' paths."""
    new: dict[Path, Placed] = {}
    for run_dir in dict.fromkeys(run_dirs):
        placed = _read(run_dir)
        path = entry_path(out, placed.entry.suite, placed.entry.name)
        if path in new:
            raise CvitBenchError(
                f"{placed.path}: run: {placed.entry.name!r} is the name of {new[path].path} too; "
                "a leaderboard holds one run of a name"
            )
        new[path] = placed
    _refuse_mismatches(new, out)
    for path, placed in new.items():
        save_json(path, placed.entry)
    return list(new)


def _read(run_dir: Path) -> Placed:
    source = results_path(run_dir)
    if not source.exists() and results_path(run_dir, SplitChoice.VAL).exists():
        source = results_path(run_dir, SplitChoice.VAL)
    results = load_results(source)
    _refuse_part(source, results)
    refuse_ragged(source, results)
    return Placed(source, entry_of(results))


def _refuse_part(source: Path, results: Results) -> None:
    """Raise for results that settings are chosen by: of the validation split, or of a shortened run."""
    if results.split is not SplitChoice.TEST:
        what = (
            f"split: {results.split.value}: settings are chosen by it, and a leaderboard shows test results"
        )
    elif results.shortened:
        what = (
            "shortened: the run learned the first tasks of its suite only; a leaderboard compares whole runs"
        )
    else:
        return
    raise CvitBenchError(f"{source}: {what}")


def _refuse_mismatches(new: dict[Path, Placed], out: Path) -> None:
    """Raise unless every new entry fits those that stay and the other new ones."""
    for suite in {placed.entry.suite for placed in new.values()}:
        beside = [placed for placed in read_entries(out, suite) if placed.path not in new]
        for placed in new.values():
            if placed.entry.suite == suite:
                refuse_mismatch(placed, suite, beside)
                beside.append(placed)
