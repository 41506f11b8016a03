"""Finished runs as entries of their suites' leaderboards, with the pages made from them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.board_jobs import run_dir
from benchmarks.board_state import State
from cvit_bench.progress import say
from cvit_bench.report.adding import add_entries
from cvit_bench.report.entries import entry_path, read_entries
from cvit_bench.report.leaderboard import write_index, write_leaderboard


def write_boards(state: State, out: Path, replace: bool) -> None:
    """Add all finished runs and write their pages; `replace` removes runs that are not among them."""
    contenders = [(suite, name) for suite in state.plan.suites for name in state.plan.contenders]
    runs = [ran for place in contenders for ran in state.ran(*place)]
    if not runs:
        return
    suites = sorted({ran.entry.suite for ran in runs})
    new = {entry_path(out, ran.entry.suite, ran.entry.name) for ran in runs}
    run_dirs = [run_dir(state.plan, ran.job) for ran in runs]
    with TemporaryDirectory() as trial:
        add_entries(run_dirs, Path(trial))  # what cannot stand side by side is refused before anything goes
    for path in [path for suite in suites for path in _other_runs(out, suite) if path not in new]:
        if replace:
            path.unlink()
        else:
            say(f"{path}: was there before and stays (--replace removes it)")
    add_entries(run_dirs, out)
    for suite in suites:
        say(str(write_leaderboard(out, suite)))
    write_index(out)


def _other_runs(out: Path, suite: str) -> list[Path]:
    return [placed.path for placed in read_entries(out, suite) if placed.entry.kind == "run"]
