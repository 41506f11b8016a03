"""The `cvit-bench` command: registers the verbs and turns errors into messages and exit codes.

0 fine · 1 a check found something · 2 bad input or use · 130 interrupted (143 by SIGTERM), the same command
resumes · 141 nobody reads the output.
Heavy imports happen inside the verbs: `--help` loads neither torch nor pandas.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from cvit_bench import __version__
from cvit_bench.cli.compare import compare
from cvit_bench.cli.data import data
from cvit_bench.cli.demo import demo
from cvit_bench.cli.evaluate import evaluate
from cvit_bench.cli.export import export
from cvit_bench.cli.import_ import import_
from cvit_bench.cli.init import init
from cvit_bench.cli.leaderboard import leaderboard
from cvit_bench.cli.list import list_names
from cvit_bench.cli.report import report
from cvit_bench.cli.score import score
from cvit_bench.cli.selftest import selftest
from cvit_bench.cli.standard_files import open_standard_files, written_out
from cvit_bench.cli.train import train
from cvit_bench.cli.validate import validate
from cvit_bench.errors import CvitBenchError
from cvit_bench.progress import tell

app = typer.Typer(
    name="cvit-bench",
    help="Continual visual instruction tuning: train task after task, replay every checkpoint, "
    "see what was learned and what was forgotten.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (demo, train, evaluate, selftest, score, report, compare, leaderboard, export, validate):
    app.command()(verb)
app.command(name="import")(import_)
app.add_typer(init, name="init")
app.command(name="list")(list_names)
app.add_typer(data, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Continual visual instruction tuning: what was learned, what was forgotten, and why."""


def run() -> None:
    """Entry point of the console script."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    open_standard_files()
    try:
        with written_out():
            app()
    except CvitBenchError as error:
        _end(str(error))
    except OSError as error:
        _end(f"{error.filename or 'a file'}: {error.strerror or error}")
    except (MemoryError, ImportError) as error:
        if isinstance(error, ImportError) and "map segment" not in str(error):  # a library that finds no room
            raise
        _end("out of memory; what is finished stays, and the same command goes on")


def _end(message: str) -> NoReturn:
    tell(f"cvit-bench: {message}")
    sys.exit(2)


def _interrupted(number: int, frame: object) -> None:
    with suppress(OSError):  # a print may be under way
        os.write(2, b"cvit-bench: interrupted; the same command resumes\n")
    raise SystemExit(128 + number)
