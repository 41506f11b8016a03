"""`cvit-bench report`: the page of one run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import DataRoot

if TYPE_CHECKING:
    from cvit_bench.evaluate.inputs import RunInputs


def report(
    run_dir: Annotated[Path, typer.Option("--run-dir", help="Run directory that holds results.json.")],
    samples: Annotated[bool, typer.Option(help="Whether to make the pages of samples too.")] = True,
    data_root: DataRoot = None,
) -> None:
    """Write a run's report.html, and in report/ its samples.

    No network is needed, and all is readable without scripts.
    """
    from cvit_bench.report.run_report import write_run_report

    typer.echo(write_run_report(run_dir, sample_source(run_dir, data_root) if samples else None))


def sample_source(run_dir: Path, data_root: Path | None = None) -> "RunInputs | None":
    """Return the samples of a run that was evaluated; where they are not at hand, say why and return None."""
    from cvit_bench.errors import CvitBenchError
    from cvit_bench.evaluate.inputs import open_planned
    from cvit_bench.progress import say
    from cvit_bench.records.plan import typed_path
    from cvit_bench.records.results import RESULTS

    if not (run_dir / RESULTS).exists():
        return None
    if typed_path(run_dir).exists():
        say("the report shows no samples: the scores came without any")
        return None
    try:
        inputs, plan = open_planned(run_dir, data_root)
        for task in dict.fromkeys(cell.task for cell in plan.cells):
            inputs.samples(task)
    except CvitBenchError as error:
        say(f"the report shows no samples: {error}")
        return None
    return inputs
