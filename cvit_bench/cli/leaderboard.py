"""`cvit-bench leaderboard`: static pages from committed entries and published figures."""

from pathlib import Path
from typing import Annotated

import typer

from cvit_bench.text import visible


def leaderboard(
    suite: Annotated[
        str | None, typer.Option("--suite", help="Only this suite's page (default: all).")
    ] = None,
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN_DIR]...", help="More run directories to add.")
    ] = None,
    add: Annotated[
        list[Path] | None, typer.Option("--add", help="Run directories to add first: --add runs/lora-*")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the leaderboards.")] = Path("leaderboards"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a page differs from its entries.")
    ] = False,
) -> None:
    """Make leaderboard pages from their entries.

    Runs given with --add join their own suite's entries first.
    """
    run_dirs = [*(add or []), *(more or [])]
    if check and run_dirs:
        raise typer.BadParameter("--check writes nothing, so it cannot go with --add")
    if check:
        _check(out, suite)
    else:
        _write(out, suite, run_dirs)


def _write(out: Path, suite: str | None, run_dirs: list[Path]) -> None:
    from cvit_bench.report.adding import add_entries
    from cvit_bench.report.entries import suites
    from cvit_bench.report.leaderboard import write_index, write_leaderboard

    added = add_entries(run_dirs, out)
    for path in added:
        typer.echo(f"added {path}", err=True)
    touched = {path.parent.parent.name for path in added} or ({suite} if suite else set(suites(out)))
    for name in sorted(touched):
        typer.echo(write_leaderboard(out, name))
    typer.echo(f"index {write_index(out)}", err=True)


def _check(out: Path, suite: str | None) -> None:
    from cvit_bench.report.entries import suites
    from cvit_bench.report.leaderboard import check_index, check_leaderboard

    chosen = [suite] if suite else suites(out)
    found = [line for name in chosen for line in check_leaderboard(out, name)] + check_index(out)
    for line in found:
        typer.echo(visible(line))
    if found:
        raise typer.Exit(1)
    typer.echo(f"{out}: {', '.join(chosen)}: as the entries say", err=True)
