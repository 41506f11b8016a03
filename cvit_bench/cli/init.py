"""`cvit-bench init run`: a manifest for checkpoints that were trained elsewhere."""

from typing import Annotated

import typer

from cvit_bench.cli.options import RunDir
from cvit_bench.text import visible

init = typer.Typer(help="Write a file to start from.", no_args_is_help=True, rich_markup_mode=None)


@init.callback()
def root() -> None:
    """Write a file to start from, to be checked by eye."""


@init.command("run")
def init_run(
    patterns: Annotated[
        list[str], typer.Argument(metavar="PATTERN", help="Globs of checkpoint folders: 'out/task*'.")
    ],
    base: Annotated[str, typer.Option("--base", help="Folder, hub id or embedded:mini.")],
    run_dir: RunDir,
    suite: Annotated[str, typer.Option("--suite", help="Suite that was learned.")] = "mini",
    tasks: Annotated[
        str, typer.Option("--tasks", help="The folders' tasks in their order: a,b,c. Default: found.")
    ] = "",
    revision: Annotated[str | None, typer.Option("--revision", help="Of a base that is a hub id.")] = None,
    method: Annotated[str, typer.Option("--method", help="What the method is called.")] = "my-method",
    title: Annotated[str | None, typer.Option("--title", help="What pages call the run.")] = None,
    allow_pickle: Annotated[
        bool,
        typer.Option("--allow-pickle", help="Read pickled adapters and copy them; a pickle can run code."),
    ] = False,
) -> None:
    """Write a manifest from a glob of checkpoint folders.

    Folders are taken in natural order (2 before 10) and get their tasks by their names where these tell, else
    by that order; check it by eye. Checkpoints with pickled weights or in the names of LLaVA's own repository
    are copied into the run directory in safetensors.
    """
    from tabulate import tabulate

    from cvit_bench.interop.new_run import NewRun, write_run
    from cvit_bench.records.named import as_base

    given = tuple(name.strip() for name in tasks.split(",") if name.strip())
    asked = NewRun(
        as_base(base, revision), suite, tuple(patterns), run_dir, method, title, given, allow_pickle
    )
    stages = write_run(asked)
    rows = [
        (stage.name, stage.task, stage.reason, stage.found.kind, stage.found.folder, stage.found.copied)
        for stage in stages
    ]
    print(visible(tabulate(rows, headers=("stage", "task", "why", "kind", "checkpoint", "copied, because"))))
    print(
        f"\n{run_dir / 'manifest.json'}: check order and tasks, then: cvit-bench evaluate --run-dir {run_dir}"
    )
