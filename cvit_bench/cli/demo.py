"""`cvit-bench demo`: the whole path on the embedded suite, from training to a leaderboard."""

import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import Limit
from cvit_bench.text import visible

if TYPE_CHECKING:
    from cvit_bench.records.results import Results

METHODS = ("lora", "multitask", "zero_shot")
SUITE = "mini"


@dataclass(frozen=True)
class _Work:
    """How much the demo does: samples asked of every task, and what it changes of the suite's training."""

    limit: int | None = None
    overrides: tuple[str, ...] = ()
    few_shot: bool = True


WHOLE = _Work()
QUICK = _Work(8, ("training.steps=12", "training.batch_size=8"), few_shot=False)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where runs and pages go.")] = Path("runs/demo"),
    limit: Limit = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute's work: 12 small steps a stage, 8 samples a task.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of training.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Methods at a time (default: cores).")
    ] = None,
) -> None:
    """Train, replay and rank three methods on the embedded suite.

    Takes five to fifteen minutes on two cores, no GPU and no network. --quick shows the same path in about a
    minute, trained too little for its figures to mean anything.
    """
    from cvit_bench.cli.report import sample_source
    from cvit_bench.evaluate.score import rescore
    from cvit_bench.progress import say
    from cvit_bench.report.adding import add_entries
    from cvit_bench.report.leaderboard import write_index, write_leaderboard
    from cvit_bench.report.run_report import write_run_report
    from cvit_bench.report.terminal import results_text

    began = time.monotonic()
    work = QUICK if quick else WHOLE
    work = work if limit is None else replace(work, limit=limit)
    runs = {method: out / method for method in METHODS}
    _, together, untouched = _run_all(runs, work, seed, jobs or _cores())
    in_sequence = rescore(runs["lora"], references=[runs["multitask"]])
    for results in (in_sequence, together, untouched):
        print(visible(f"{results_text(results)}\n"), flush=True)
    for run_dir in runs.values():
        write_run_report(run_dir, sample_source(run_dir))
    add_entries(list(runs.values()), out / "leaderboards")
    board = write_leaderboard(out / "leaderboards", SUITE)
    write_index(out / "leaderboards")
    say(f"== done in {time.monotonic() - began:.0f} s")
    print(f"Run report:  {runs['lora'] / 'report.html'}\nLeaderboard: {board}")
    if sys.stdout.isatty():
        typer.launch(str(board))


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_all(runs: dict[str, Path], work: _Work, seed: int, jobs: int) -> "list[Results]":
    """Run the methods in processes of one thread each, and return their results in the order given."""
    from cvit_bench.side_by_side import processes

    with processes(min(jobs, len(runs))) as pool:
        pending = [pool.submit(_run_one, method, run_dir, work, seed) for method, run_dir in runs.items()]
        return [future.result() for future in pending]


def _run_one(method: str, run_dir: Path, work: _Work, seed: int) -> "Results":
    from cvit_bench.cli.train import run_training
    from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
    from cvit_bench.progress import plain, say

    plain()
    say(f"== {method}: training stage after stage, then replaying every stage on every task")
    run_training(
        method, SUITE, run_dir, seed=seed, device="cpu", overrides=work.overrides, few_shot=work.few_shot
    )
    return evaluate(run_dir, EvaluateOptions(limit=work.limit))
