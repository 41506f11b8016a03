"""`cvit-bench data prepare|check SUITE`: what is there, what is to be had where, what is wrong with it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import DataRoot, Json
from cvit_bench.errors import CvitBenchError
from cvit_bench.text import visible

if TYPE_CHECKING:
    from cvit_bench.data.suite_data import Looking
    from cvit_bench.records.preparation import SplitData, SuiteData

SuiteName = Annotated[str, typer.Argument(help="A suite's name, or the path of its yaml.")]
_HASH = 12

data = typer.Typer(help="Get, convert and check the data of a suite.", no_args_is_help=True)


@data.command()
def prepare(
    suite: SuiteName,
    data_root: DataRoot = None,
    subset: Annotated[
        int | None,
        typer.Option("--subset", min=1, help="Draw N samples a split, as a suite of its own."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the subset.")] = 0,
    hub: Annotated[
        bool, typer.Option("--hub", help="Fetch what the tasks take from the hub (needs a network).")
    ] = False,
    json: Json = False,
) -> None:
    """Convert a suite's data into Arrow, once; say what is missing.

    Exit 1 while something is.
    """
    looking = _looking(suite, data_root)
    if hub:
        _fetch(looking)
    found = looking.prepare()
    _print(found, json)
    if not found.is_sound:
        raise typer.Exit(1)
    if subset is not None:
        from cvit_bench.data.subset import draw_subset

        print(f"{draw_subset(looking, subset, seed)}: --suite takes this path")


@data.command()
def check(
    suite: SuiteName,
    data_root: DataRoot = None,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Open and compare all pictures.")
    ] = True,
    json: Json = False,
) -> None:
    """Look at every row and picture of a suite.

    Counts, ids, answers and overlaps; exit 1 when something is found.
    """
    found = _looking(suite, data_root, images).check()
    _print(found, json)
    if not found.is_sound:
        raise typer.Exit(1)


def _looking(suite: str, root: DataRoot, images: bool = True) -> "Looking":
    from cvit_bench.data.library import open_suite
    from cvit_bench.data.suite_data import Looking
    from cvit_bench.resources import data_root

    if not (folder := data_root(root)).is_dir():
        raise CvitBenchError(f"--data-root {folder}: no such folder")
    return Looking(*open_suite(suite), root, images)


def _fetch(looking: "Looking") -> None:
    from cvit_bench.data.hub import fetch
    from cvit_bench.progress import say

    for files in looking.files():
        path = fetch(files)
        if path is not None:
            say(f"{path}: fetched")


def _print(found: "SuiteData", json: bool) -> None:
    if json:
        print(found.model_dump_json(indent=1))
        return
    from tabulate import tabulate

    rows = [_row(split) for split in found.splits]
    print(
        tabulate(rows, headers=("task", "split", "samples", "wordings", "sha256", "state"), tablefmt="simple")
    )
    for line in _remarks(found):
        print(visible(line))


def _row(split: "SplitData") -> tuple[str, ...]:
    counted = "–" if split.samples is None else f"{split.samples:,}"
    state = "missing" if split.missing else f"{len(split.findings)} findings" if split.findings else "sound"
    if state == "sound" and split.arrow is not None:
        state = "sound, converted"
    wordings = str(split.wordings or "–")
    return split.task, split.split, counted, wordings, (split.files[0].sha256 or "–")[:_HASH], state


def _remarks(found: "SuiteData") -> Iterator[str]:
    """Yield what is wrong, what is shared and, while something is missing, where everything is to be had."""
    for split in found.splits:
        yield from (f"{split.task} {split.split}: {name}: no such file" for name in split.missing)
        yield from (f"{split.task} {split.split}: {line}" for line in split.findings)
    yield from found.shared
    if any(split.missing for split in found.splits):
        yield "What its owners hand out, and where it goes below the data root:"
        for one in found.downloads:
            yield f"  {one.to}  {one.what}: {one.url} ({one.licence})"
