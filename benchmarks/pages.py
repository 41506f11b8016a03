"""How long do pages take to make and to open, and how large are they?

    python benchmarks/pages.py                       # 5,000 samples at 7 stages; a leaderboard of 50 runs
    python benchmarks/pages.py --samples 200 --runs 5

The run is scripted: ten tasks on pictures of 320 × 240 pixels, answered at seven stages. The leaderboard
holds copies of a committed entry under other names. Making is in processor seconds. Opening is measured
where playwright and Chromium are there: from asking for the page to its `load` event.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from tabulate import tabulate

from benchmarks.made_files import write_yaml
from cvit_bench.cli.report import sample_source
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.files import write_text
from cvit_bench.report.leaderboard import write_leaderboard
from cvit_bench.report.run_report import write_run_report

ENTRY = Path(__file__).resolve().parents[1] / "leaderboards" / "mini" / "entries" / "lora-0.json"
NUM_TASKS, NUM_STAGES = 10, 7
WORDS = ("red", "green", "blue", "grey")
Rows = list[tuple[str, str]]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    given = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        rows = _report(Path(folder) / "run", given.samples) + _board(Path(folder) / "boards", given.runs)
    print(tabulate(rows, headers=("what", "measured"), tablefmt="pipe", disable_numparse=True))
    return 0


def _report(root: Path, num: int) -> Rows:
    run_dir = _scripted_run(root, num)
    evaluate(run_dir, EvaluateOptions(data_root=root / "data"))
    source = sample_source(run_dir, root / "data")
    seconds = _timed(lambda: write_run_report(run_dir, source))
    again = _timed(lambda: write_run_report(run_dir, source))
    pages = list((run_dir / "report").glob("*.html"))
    what = f"report of {NUM_TASKS * (num // NUM_TASKS):,} samples × {NUM_STAGES} stages"
    return [
        (f"{what}: made", f"{seconds:.1f} s; again, its pictures there, {again:.1f} s"),
        ("… report.html", _size(run_dir / "report.html")),
        ("… largest page of samples", _size(max(pages, key=lambda path: path.stat().st_size))),
        ("… report.html: opened", _opened(run_dir / "report.html")),
        ("… page of samples: opened", _opened(sorted(pages)[0])),
    ]


def _board(out: Path, num: int) -> Rows:
    entry = json.loads(ENTRY.read_text())
    for at in range(num):
        changed = {**entry, "name": f"run-{at}", "title": f"Method {at}", "method": f"method_{at}"}
        write_text(out / "mini" / "entries" / f"run-{at}.json", json.dumps(changed))
    seconds = _timed(lambda: write_leaderboard(out, "mini"))
    page = out / "mini" / "index.html"
    what = f"leaderboard of {num} runs"
    return [(f"{what}: made", f"{seconds:.1f} s"), ("… size", _size(page)), ("… opened", _opened(page))]


def _scripted_run(root: Path, num: int) -> Path:
    """Write a suite, its data and a scripted run that forgets."""
    tasks = [f"task_{at}" for at in range(NUM_TASKS)]
    draw = random.Random(0)
    answers: dict[str, str] = {}
    for task in tasks:
        answers |= _task(root, task, num // NUM_TASKS, draw)
    train, suite, base = tasks[: NUM_STAGES - 1], root / "tasks" / "suites" / "many.yaml", str(root / "base")
    write_yaml(suite, name="many", version=1, title="Many", description="Many samples.", train=train,
          unseen=tasks[NUM_STAGES - 1 :], base=base)  # fmt: skip
    run_dir = root / "runs" / "many"
    names = [f"{at:02d}-{task}" for at, task in enumerate(train, start=1)]
    for at, folder in enumerate([root / "base", *(run_dir / name for name in names)]):
        said = {key: one if draw.random() < 0.9 - at / 10 else "no idea" for key, one in answers.items()}
        write_text(folder / "scripted.json", json.dumps({"schema_version": 1, "answers": said}))
    stages = [{"name": name, "tasks": [name[3:]], "checkpoint": name} for name in names]
    manifest = {"schema_version": 1, "run": "many", "suite": str(suite), "method": "scripted",
                "title": "Scripted", "base": {"path": base}, "stages": stages}  # fmt: skip
    write_text(run_dir / "manifest.json", json.dumps(manifest))
    return run_dir


def _task(root: Path, name: str, num: int, draw: random.Random) -> dict[str, str]:
    """Write a task with its template and data; return the right answers by task and id."""
    write_yaml(root / "tasks" / f"{name}.yaml", name=name, title=name, description="A colour.",
          answer_form="class_name", scorer="exact", template=name, reader="jsonl", classes=list(WORDS),
          splits={"test": {"file": f"{name}/test.jsonl"}, "train": {"file": f"{name}/test.jsonl"}},
          form={"max_words": 1}, max_new_tokens=4, licence="CC0-1.0", citation="none")  # fmt: skip
    write_yaml(root / "instruction_templates" / f"{name}.yaml", name=name, answer_form="class_name",
          variants=[{"id": "v0", "split": "train", "text": "{{ question }}\nAnswer shortly."}])  # fmt: skip
    folder, rows = root / "data" / name, []
    folder.mkdir(parents=True)
    for at in range(num):
        (folder / f"{at}.jpg").write_bytes(_picture(draw))
        rows.append({"id": f"{name}-{at}", "image": f"{at}.jpg", "question": f"Which colour is thing {at}?",
                     "answers": [draw.choice(WORDS)]})  # fmt: skip
    write_text(folder / "test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return {f"{name}/{row['id']}": row["answers"][0] for row in rows}


def _picture(draw: random.Random) -> bytes:
    small = Image.frombytes("RGB", (16, 12), draw.randbytes(16 * 12 * 3))
    out = io.BytesIO()
    small.resize((320, 240)).save(out, "JPEG")
    return out.getvalue()


def _timed(work: Callable[[], object]) -> float:
    """Return the processor seconds of some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"


def _opened(path: Path) -> str:
    with _browser() as browser:
        if browser is None:
            return "not measured: no playwright or no Chromium"
        page = browser.new_page()
        page.goto(path.as_uri())
        spent = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        return f"{spent / 1000:.2f} s"


@contextmanager
def _browser() -> Iterator[object]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        yield None
        return
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=50)
    return parser


if __name__ == "__main__":
    sys.exit(main())
