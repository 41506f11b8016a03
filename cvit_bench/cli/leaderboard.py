"""`cvit-bench leaderboard`: static pages from committed entries."""

from pathlib import Path
from typing import Annotated

import typer


def leaderboard(
    suite: Annotated[str, typer.Option("--suite", help="Suite whose page is made.")] = "mini",
    add: Annotated[
        list[Path] | None, typer.Option("--add", help="Run directory to add first; may be given again.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the leaderboards.")] = Path("leaderboards"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a page differs from its entries.")
    ] = False,
) -> None:
    """Make a suite's leaderboard from its entries; runs given with --add join their own suite's first."""
    if check and add:
        raise typer.BadParameter("--check writes nothing, so it cannot go with --add")
    if check:
        _check(out, suite)
    else:
        _write(out, suite, add or [])


def _write(out: Path, suite: str, run_dirs: list[Path]) -> None:
    from cvit_bench.report.leaderboard import add_entry, write_index, write_leaderboard

    added = [add_entry(run_dir, out) for run_dir in run_dirs]
    for path in added:
        typer.echo(f"added {path}", err=True)
    for name in sorted({path.parent.parent.name for path in added} or {suite}):
        typer.echo(write_leaderboard(out, name))
    typer.echo(f"index {write_index(out)}", err=True)


def _check(out: Path, suite: str) -> None:
    from cvit_bench.report.leaderboard import check_index, check_leaderboard

    found = [*check_leaderboard(out, suite), *check_index(out)]
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    typer.echo(f"{out / suite}: as its entries say", err=True)
