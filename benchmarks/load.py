"""Does anything grow faster than its input? Seconds and memory at a size and at ten times that size.

    python benchmarks/load.py                  # 1,000 cells, 1,000,000 predictions, 50 runs, 10,000 entries
    python benchmarks/load.py --share 0.01     # a hundredth of it, to try it out

Every measurement is a process of its own: processor seconds after the imports, and the peak of memory
above what the imports take. Exit status 1: ten times the input took more than twelve times as much.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tabulate import tabulate

from benchmarks.scoring_run import SCORERS, WORDINGS, write_run

ENTRY = Path(__file__).resolve().parents[1] / "leaderboards" / "mini" / "entries" / "lora-0.json"
TASKS = [f"{name}{at}" for name in SCORERS for at in (0, 1)]
TIMES, MOST = 10, 12.0
FLOOR_SECONDS, FLOOR_MIB = 0.5, 20.0
MEASURED = """
import json, sys
from pathlib import Path
from time import process_time
from cvit_bench.evaluate.score import rescore
from cvit_bench.report.leaderboard import write_index, write_leaderboard
import jinja2.sandbox, pyarrow.parquet, scipy.special

def peak():
    # of this program alone: ru_maxrss begins with what the parent held
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024

root = Path(sys.argv[2])
work = {
    "score": lambda: rescore(root / "run", root / "data"),
    "board": lambda: write_leaderboard(root, "mini"),
    "index": lambda: write_index(root),
}[sys.argv[1]]
start, began = peak(), process_time()
work()
print(json.dumps([process_time() - began, peak() - start]))
"""


@dataclass(frozen=True)
class Case:
    """One kind of load: its full size, what writes an input of a size, what is measured on it."""

    what: str
    size: int
    write: Callable[[Path, int], None]
    work: str


def write_cells(root: Path, num: int) -> None:
    """Write a run of so many cells of ten samples each."""
    write_run(root, TASKS, max(2, round(num / len(TASKS) / WORDINGS)), num_samples=10)


def write_predictions(root: Path, num: int) -> None:
    """Write a run of two stages with so many predictions."""
    write_run(root, TASKS, 2, num_samples=max(1, round(num / len(TASKS) / WORDINGS / 2)))


def write_entries(root: Path, num: int) -> None:
    """Write a leaderboard of so many runs."""
    entry = json.loads(ENTRY.read_text(encoding="utf-8"))
    folder = root / "mini" / "entries"
    folder.mkdir(parents=True)
    for at in range(num):
        name = f"run-{at:05d}"
        text = json.dumps({**entry, "name": name, "title": f"Run {at}"})
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


CASES = (
    Case("cells scored", 1_000, write_cells, "score"),
    Case("predictions scored", 1_000_000, write_predictions, "score"),
    Case("runs on a page", 50, write_entries, "board"),
    Case("entries in the index", 10_000, write_entries, "index"),
)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 where something grows faster than its input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the full sizes")
    share = parser.parse_args(argv).share
    rows = [_row(case, max(TIMES, round(case.size * share))) for case in CASES]
    headers = ("what", "a tenth", "takes", "all", "takes", "times the seconds", "times the memory", "verdict")
    print(tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True))
    return 0 if all(row[-1] == "pass" for row in rows) else 1


def _row(case: Case, size: int) -> tuple[str, ...]:
    tenth, whole = (measure(case, num) for num in (size // TIMES, size))
    slower = growth(tenth[0], whole[0], FLOOR_SECONDS)
    larger = growth(tenth[1], whole[1], FLOOR_MIB)
    verdict = "pass" if max(slower, larger) <= MOST else "**fail**"
    cells = [f"{seconds:.1f} s, {mib:.0f} MiB" for seconds, mib in (tenth, whole)]
    return (
        case.what,
        f"{size // TIMES:,}",
        cells[0],
        f"{size:,}",
        cells[1],
        f"{slower:.1f}",
        f"{larger:.1f}",
        verdict,
    )


def growth(small: float, large: float, floor: float) -> float:
    """Return how many times as much it is; what is too little to be told apart counts as the floor."""
    return max(large, floor) / max(small, floor)


def measure(case: Case, size: int) -> tuple[float, float]:
    """Return processor seconds, and MiB above the imports."""
    with tempfile.TemporaryDirectory() as folder:
        case.write(Path(folder), size)
        command = [sys.executable, "-c", MEASURED, case.work, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, mib = json.loads(done.stdout)
    return seconds, mib


if __name__ == "__main__":
    sys.exit(main())
