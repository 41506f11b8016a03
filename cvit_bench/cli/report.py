"""`cvit-bench report`: the page of one run."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run_dir: Annotated[Path, typer.Option("--run-dir", help="Run directory that holds results.json.")],
) -> None:
    """Write report.html from a run's results.json: one file, no network, readable without scripts."""
    from cvit_bench.report.run_report import write_run_report

    typer.echo(write_run_report(run_dir))
