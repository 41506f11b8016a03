"""`cvit-bench demo`: the whole path on the embedded suite, from training to a leaderboard."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cvit_bench.cli.options import Limit, Threads

METHODS = ("zero_shot", "lora", "multitask")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where runs and pages go.")] = Path("runs/demo"),
    limit: Limit = None,
    threads: Threads = 1,
) -> None:
    """Train, replay and rank three methods on the embedded suite: no GPU, no network, a few minutes."""
    from cvit_bench.cli.train import run_training
    from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
    from cvit_bench.models.family import Placement
    from cvit_bench.progress import say
    from cvit_bench.report.leaderboard import add_entry, write_leaderboard
    from cvit_bench.report.run_report import write_run_report
    from cvit_bench.report.terminal import results_text

    began = time.monotonic()
    options = EvaluateOptions(limit=limit, placement=Placement(threads=threads))
    pages = out / "leaderboards"
    for method in METHODS:
        run_dir = out / method
        say(f"== {method}: training")
        run_training(method, "mini", run_dir, device="cpu", threads=threads)
        say(f"== {method}: replaying every checkpoint on every task")
        results = evaluate(run_dir, options)
        write_run_report(run_dir)
        add_entry(run_dir, pages)
        print(f"{results_text(results)}\n", flush=True)
    board = write_leaderboard(pages, "mini")
    say(f"== done in {time.monotonic() - began:.0f} s")
    print(f"Leaderboard: {board}\nRun report:  {out / 'lora' / 'report.html'}")
    if sys.stdout.isatty():
        typer.launch(str(board))
