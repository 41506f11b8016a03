"""Fill the leaderboards of the embedded suites: every method with its own learning rate and several seeds.

    python benchmarks/mini_leaderboard.py --processes 2
    python benchmarks/mini_leaderboard.py --suites mini --methods lora smolora --seeds 0 --out runs/some

The table of contenders is `mini_leaderboard.yaml`. For each of them the learning rate is chosen on samples
that training left out, then every seed is trained and replayed, and the runs join `leaderboards/SUITE`.
Exit status 1 when a run could not be finished. A call that was interrupted goes on where it was.
"""

import argparse
import json
import shlex
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.board_entries import write_boards
from benchmarks.board_jobs import CHOICE_SEED, Job, Plan, all_jobs, needs
from benchmarks.board_report import everything, report
from benchmarks.board_run import Outcome, carry_out, kept, order
from benchmarks.board_state import State
from benchmarks.board_table import TABLE, check_installed, load_table
from benchmarks.job_order import work_off
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.choices import CellChoice
from cvit_bench.records.files import write_text
from cvit_bench.side_by_side import processes

SUITES = ("mini", "mini-multi", "mini-coin")


def main(argv: list[str] | None = None) -> int:
    """Run what is not run yet, fill the leaderboards and print the report."""
    given = _parser().parse_args(argv)
    command = shlex.join(
        ["python", "benchmarks/mini_leaderboard.py", *(sys.argv[1:] if argv is None else argv)]
    )
    try:
        state = _state(given)
        interrupted = _read(state) if given.report_only else _run(state, given)
        is_trial = given.limit or given.set or given.base
        board = given.leaderboards or (given.out / "leaderboards" if is_trial else Path("leaderboards"))
        write_boards(state, board, given.replace)
        text = report(state, command)
        write_text(given.markdown or given.out / "report.md", text)
        data = json.dumps(everything(state, command), indent=1, ensure_ascii=False)
        write_text(given.json or given.out / "report.json", data + "\n")
    except CvitBenchError as error:
        print(error, file=sys.stderr)
        return 2
    print(text, end="")
    if interrupted:
        print("interrupted; the same command goes on where it was", file=sys.stderr)
        return 130
    return 1 if state.failures else 0


def _state(given: argparse.Namespace) -> State:
    """Return what is to be run, once all of it is known to be there."""
    if CHOICE_SEED in given.seeds:
        raise CvitBenchError(f"--seeds {CHOICE_SEED}: settings are chosen with this seed")
    table = load_table(given.table, given.methods)
    check_installed(table.contenders, given.suites)
    plan = Plan(
        contenders=table.contenders,
        rates=tuple(given.rates or table.rates),
        chosen_on=table.chosen_on,
        suites=tuple(given.suites),
        seeds=tuple(given.seeds),
        router_seeds=tuple(given.router_seeds),
        out=given.out,
        overrides=tuple(given.set),
        limit=given.limit,
        base=given.base,
        data_root=given.data_root,
        device=given.device,
        cells=CellChoice(given.cells),
    )
    return State(plan, all_jobs(plan))


def _run(state: State, given: argparse.Namespace) -> bool:
    """Run all jobs, up to `--processes` side by side, each of one thread; tell whether it was interrupted."""
    needed = {job: needs(state.plan, job, state.jobs) for job in state.jobs}
    try:
        with processes(given.processes) as pool:
            work = work_off(
                state.jobs, needed.__getitem__, lambda job: _start(state, job, pool, given), given.processes
            )
            for job, future in work:
                state.take(job, future)
    except KeyboardInterrupt:
        return True
    return False


def _read(state: State) -> bool:
    """Take what is finished and run nothing."""
    for job in state.jobs:
        with suppress(CvitBenchError):
            found = kept(order(state.plan, job, state.settled(job)))
            if found is not None:
                state.note(job, found)
    return False


def _start(
    state: State, job: Job, pool: ProcessPoolExecutor, given: argparse.Namespace
) -> "Future[Outcome | None]":
    """Have a job done, or return at once what is known of it."""
    at_once: Future[Outcome | None] = Future()
    try:
        wanted = order(state.plan, job, state.settled(job))
        found = None if given.recheck else kept(wanted)
    except CvitBenchError as error:
        at_once.set_exception(error)
        return at_once
    if found is None:
        return pool.submit(carry_out, wanted, given.train_only and job.kind == "run")
    at_once.set_result(found)
    return at_once


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--suites", nargs="+", default=list(SUITES), help="names, or paths of yaml files")
    add("--methods", nargs="+", help="contenders of the table (default: all)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of training")
    add(
        "--router-seeds", type=int, nargs="+", default=[0, 1, 2], help="tried with the first seed of training"
    )
    add("--rates", type=float, nargs="+", help="learning rates to choose from (default: the table's)")
    add("--processes", type=int, default=2, help="runs side by side, one thread each")
    add("--out", type=Path, default=Path("runs/leaderboard"), help="where runs go")
    add(
        "--leaderboards",
        type=Path,
        help="where entries and pages go (default: leaderboards; of trials OUT/…)",
    )
    add("--replace", action="store_true", help="remove entries of these suites that are not from this call")
    add("--report-only", action="store_true", help="run nothing; report and add what is finished")
    add(
        "--cells",
        default=CellChoice.FULL.value,
        choices=[CellChoice.FULL.value, CellChoice.LOWER.value],
        help="lower: with all but the first seeds only what was trained so far (no forgetting, no FWT there)",
    )
    add("--train-only", action="store_true", help="leave evaluating the runs that count to a later call")
    add("--recheck", action="store_true", help="open finished runs again; what is there of them is reused")
    add("--markdown", type=Path, help="where the report goes (default: OUT/report.md)")
    add("--json", type=Path, help="where the data go (default: OUT/report.json)")
    add("--table", type=Path, default=TABLE, help="another table of contenders")
    add("--device", default="cpu", help="cpu, cuda, …")
    add("--base", help="embedded:mini, a folder or a hub id (default: the suite's)")
    add("--data-root", type=Path, help="folder of downloaded data")
    add("--limit", type=int, help="first N samples of every task (for trials)")
    add("--set", nargs="+", default=[], help="section.key=value of training (for trials)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
