"""Seconds and memory of `score` on whole runs: does memory stay where it is when the answers become many?

    taskset -c 0 python benchmarks/scoring_run.py [--predictions 100000 1000000]

Writes synthetic runs of ten short-answer tasks of 1,000 samples in five wordings, with as many stages as give
the number of predictions, and scores each in a process of its own. `before the bootstrap` is the peak up to
the last written score, `peak` that of the whole command; importing alone takes `start`.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tabulate import tabulate

from benchmarks.made_files import write_json, write_lines, write_yaml
from benchmarks.scoring import answer, sample
from cvit_bench.records.form import AnswerForm
from cvit_bench.records.sample import Sample

SCORERS = {
    "class": ("exact", AnswerForm.CLASS_NAME), "letter": ("option_letter", AnswerForm.OPTION_LETTER),
    "yes": ("yes_no", AnswerForm.YES_NO), "count": ("number", AnswerForm.NUMBER),
    "soft": ("vqa_accuracy", AnswerForm.SHORT_ANSWER),
}  # fmt: skip
SAMPLES, WORDINGS = 1000, 5

MEASURED = """
import json, sys
from pathlib import Path
from time import process_time

def peak():
    # of this program alone: ru_maxrss begins with what the parent held
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024

from cvit_bench.evaluate import score
import scipy.special, pyarrow.parquet, jinja2.sandbox
marks = {"start": peak()}
make = score.make_results

def marked(*given):
    marks["cells"], marks["seconds_cells"] = peak(), process_time() - began
    return make(*given)

score.make_results = marked
began = process_time()
score.rescore(Path(sys.argv[1]), Path(sys.argv[2]))
print(json.dumps({**marks, "peak": peak(), "seconds": process_time() - began}))
"""


def main() -> None:
    """Write, score and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--predictions", type=int, nargs="+", default=[100_000, 1_000_000])
    rows = [_row(num) for num in parser.parse_args().predictions]
    headers = ("predictions", "s (CPU)", "of it judging", "judged/s", "start", "before the bootstrap", "peak")
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


def _row(wanted: int) -> tuple[str, ...]:
    tasks = [f"{name}{at}" for name in SCORERS for at in (0, 1)]
    num_stages = max(2, round(wanted / (len(tasks) * SAMPLES * WORDINGS)))
    num = num_stages * len(tasks) * SAMPLES * WORDINGS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_run(root, tasks, num_stages)
        command = [sys.executable, "-c", MEASURED, str(root / "run"), str(root / "data")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    speed = f"{num / found['seconds_cells']:,.0f}"
    memory = (f"{found[key]:,.0f} MiB" for key in ("start", "cells", "peak"))
    return f"{num:,}", f"{found['seconds']:.1f}", f"{found['seconds_cells']:.1f}", speed, *memory


def write_run(root: Path, tasks: list[str], num_stages: int, num_samples: int = SAMPLES) -> None:
    """Write suite, samples, manifest, plan and predictions."""
    samples = {name: _write_task(root, name, at, num_samples) for at, name in enumerate(tasks)}
    suite = root / "tasks" / "suites" / "synthetic.yaml"
    write_yaml(suite, name="synthetic", version=1, title="S", description="S.", train=tasks, base="none")
    names = ["00-base", *(f"{at:02}-{tasks[(at - 1) % len(tasks)]}" for at in range(1, num_stages))]
    stages = [{"name": name, "tasks": [name[3:]] if at else []} for at, name in enumerate(names)]
    trained = [{**one, "checkpoint": "none", "kind": "answers"} for one in stages[1:]]
    manifest = {"run": "synthetic", "suite": str(suite), "method": "none", "base": {"path": "none"}}
    write_json(root / "run" / "manifest.json", **manifest, stages=trained)
    cells = [(stage, task, f"v{at}") for stage in names for task in tasks for at in range(WORDINGS)]
    plan = {
        "suite": str(suite), "suite_version": 1, "batch_size": 1, "generation": {},
        "stages": [{**one, "weights": "0" * 64} for one in stages],
        "cells": [dict(zip(("stage", "task", "variant"), cell, strict=True)) for cell in cells],
    }  # fmt: skip
    write_json(root / "run" / "predictions" / "plan.json", **plan)
    for number, (stage, task, variant) in enumerate(cells):
        path = root / "run" / "predictions" / stage / task / f"{variant}.jsonl"
        _write_cell(path, task, variant, samples[task], random.Random(number))


def _write_task(root: Path, name: str, at: int, num_samples: int) -> list[Sample]:
    scorer, form = SCORERS[name[:-1]]
    write_yaml(
        root / "tasks" / f"{name}.yaml",
        name=name, title=name, description=f"Synthetic task {name}.", answer_form=form.value, scorer=scorer,
        template=name, reader="jsonl", splits={"test": {"file": f"{name}.jsonl"}}, licence="CC0-1.0",
        citation="none", form={"letters": "ABCD"} if scorer == "option_letter" else {"max_words": 3},
    )  # fmt: skip
    variants = [
        {"id": f"v{wording}", "split": "train", "text": f"{{{{ question }}}}\nAnswer shortly, {wording}."}
        for wording in range(WORDINGS)
    ]
    write_yaml(
        root / "instruction_templates" / f"{name}.yaml", name=name, answer_form=form.value, variants=variants
    )
    generator = random.Random(at)
    samples = [sample(form, number, generator) for number in range(num_samples)]
    rows = (
        {"id": one.id, "question": one.question, "answers": one.answers, "choices": one.choices}
        for one in samples
    )
    write_lines(root / "data" / f"{name}.jsonl", rows)
    return samples


def _write_cell(path: Path, task: str, variant: str, samples: list[Sample], generator: random.Random) -> None:
    form = SCORERS[task[:-1]][1]
    asked = (f"{one.question}\nAnswer shortly, {variant[1:]}." for one in samples)
    said = (answer(form, one.answers[0], generator) for one in samples)
    rows = zip(samples, asked, said, strict=True)
    write_lines(
        path, ({"id": one.id, "key": "0" * 64, "prompt": prompt, "text": text} for one, prompt, text in rows)
    )


if __name__ == "__main__":
    main()
