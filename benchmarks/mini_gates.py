"""Does the embedded suite, on its base, have something to learn, to forget and to tell apart?

    python benchmarks/mini_gates.py --suite mini --seeds 0 1 2 --processes 2 --out runs/gates

Trains sequential, per-task and joint LoRA with every seed, replays them, and prints one line for each gate
and seed with its verdict. Exit status 1 when a gate fails; the times are shown with a verdict but do not
count. A call that was interrupted goes on where it was.
"""

import argparse
import sys
from concurrent.futures import Future
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.gate_jobs import METHODS, Figures, Plan, run_job
from benchmarks.gate_report import report
from cvit_bench import side_by_side
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import write_text


def main(argv: list[str] | None = None) -> int:
    """Measure what is not measured yet and print the report."""
    given = _parser().parse_args(argv)
    try:
        found = measure(_plan(given), given.seeds, given.processes)
        text, passed = report(
            found, f"suite {given.suite}, base {given.base or 'of the suite'}", given.processes
        )
        if given.markdown:
            write_text(given.markdown, text)
    except CvitBenchError as error:
        print(error, file=sys.stderr)
        return 2
    print(text, end="")
    return 0 if passed else 1


def measure(plan: Plan, seeds: list[int], processes: int) -> dict[int, dict[str, Figures]]:
    """Run all jobs, up to `processes` side by side, each of one thread."""
    with side_by_side.processes(processes) as pool:
        pending: dict[tuple[int, str], Future[Figures]] = {
            (seed, method): pool.submit(run_job, plan, method, seed) for seed in seeds for method in METHODS
        }
        return {seed: {method: pending[seed, method].result() for method in METHODS} for seed in seeds}


def _plan(given: argparse.Namespace) -> Plan:
    is_folder = given.base is not None and Path(given.base).is_dir()
    base = str(Path(given.base).resolve()) if is_folder else given.base
    return Plan(given.suite, base, given.out, given.limit, tuple(given.set))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", default="mini", help="a suite's name, or the path of its yaml")
    parser.add_argument("--base", help="embedded:mini, a folder or a hub id (default: the suite's)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of training")
    parser.add_argument("--processes", type=int, default=2, help="jobs side by side, one thread each")
    parser.add_argument("--out", type=Path, default=Path("runs/gates"), help="where runs go")
    parser.add_argument("--markdown", type=Path, help="write the report to this file as well")
    parser.add_argument("--limit", type=int, help="first N test samples of every task (for trials)")
    parser.add_argument("--set", nargs="+", default=[], help="section.key=value of training (for trials)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
