"""`cvit-bench import`: other tools' answers as a run directory."""

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from cvit_bench.cli.options import DataRoot
from cvit_bench.text import visible


def import_(
    format_: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="coin, smolora, mcitlib, vlmevalkit, lmms_eval, matrix (csv)."),
    ],
    path: Annotated[Path, typer.Argument(help="The folder of answers; for matrix a csv file.")],
    suite: Annotated[str, typer.Option("--suite", help="Suite whose questions were answered.")],
    run_dir: Annotated[Path, typer.Option("--run-dir", help="Run directory to make; it must not be there.")],
    method: Annotated[str, typer.Option("--method", help="Name of the method.")] = "imported",
    title: Annotated[str | None, typer.Option("--title", help="What tables call it.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Its training seed.")] = None,
    base: Annotated[str, typer.Option("--base", help="Its base model.")] = "unknown",
    task_identity: Annotated[
        str, typer.Option("--task-identity", help="How it knew the task: none, inferred, oracle, unknown.")
    ] = "unknown",
    schedule: Annotated[
        str, typer.Option("--schedule", help="sequential, or multitask for the rows of joint training.")
    ] = "sequential",
    order: Annotated[
        str, typer.Option("--order", help="Train tasks as they were learned: a,b,c (default: the suite's).")
    ] = "",
    task: Annotated[
        list[str] | None, typer.Option("--task", help="LABEL=TASK: what a folder or column is called here.")
    ] = None,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help="LABEL=TASK: what a stage had learned last, or base.")
    ] = None,
    any_question: Annotated[
        bool, typer.Option("--any-question", help="Take prompts that do not hold the suite's question.")
    ] = False,
    data_root: DataRoot = None,
) -> None:
    """Make a run directory of other tools' answers.

    The verbs score, report, compare and leaderboard take it.
    """
    from cvit_bench.errors import CvitBenchError
    from cvit_bench.interop.importing import import_run
    from cvit_bench.interop.labels import pairs
    from cvit_bench.interop.placing import About, Learned
    from cvit_bench.records.manifest import TaskIdentity
    from cvit_bench.text import unknown_name

    for option, given, known in (
        ("--task-identity", task_identity, get_args(TaskIdentity)),
        ("--schedule", schedule, get_args(Learned)),
    ):
        if given not in known:
            raise CvitBenchError(f"{option}: {unknown_name('choice', given, known)}")
    about = About(
        method,
        title,
        seed,
        base,
        cast("TaskIdentity", task_identity),
        tuple(name.strip() for name in order.split(",") if name.strip()),
        cast("Learned", schedule),
        pairs("--task", task or ()),
        pairs("--stage", stage or ()),
        any_question,
    )
    *notes, done = import_run(format_, path, suite, run_dir, about, data_root)
    for note in notes:
        typer.echo(visible(note), err=True)
    typer.echo(done)
