"""Import and score a synthetic CoIN tree: 8 stages × 8 tasks × 5,000 answers, on one core.

    python benchmarks/import_answers.py [--answers 5000] [--tasks 8]

The suite and its question files are written too; what is timed is `import coin` and `score`, from the answers
on disk to results.json. The tasks have the answer forms and scorers of CoIN's eight.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.made_files import write_lines, write_yaml
from cvit_bench.evaluate.score import rescore
from cvit_bench.interop.importing import import_run
from cvit_bench.interop.placing import About

SCORERS = (
    ("option_letter", "option_letter", "scienceqa"),
    ("short_answer", "vqa_accuracy", "textvqa"),
    ("class_name", "exact", "imagenet_coin"),
    ("short_answer", "exact", "gqa"),
    ("short_answer", "exact", "one_answer"),
    ("box", "box_iou", "grounding_coin"),
    ("short_answer", "exact", "one_answer"),
    ("short_answer", "ocr_vqa", "ocr_vqa"),
)
"""Answer form, scorer and released scorer of each task, in CoIN's order."""

WORDS = tuple(
    f"{first}{second}"
    for first in ("red", "blue", "old", "tall", "wet")
    for second in ("cat", "house", "tree")
)


def main() -> None:
    """Write the tree, import it, score it, print what each took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=5000)
    parser.add_argument("--tasks", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = [f"task{at}" for at in range(options.tasks)]
        suite = _write_suite(root, names, options.answers)
        _write_tree(root / "tree", names, options.answers)
        wall, cpu = perf_counter(), process_time()
        import_run("coin", root / "tree", str(suite), root / "run", About(), root / "data")
        after_import, cpu_import = perf_counter(), process_time()
        results = rescore(root / "run", root / "data")
        done, cpu_done = perf_counter(), process_time()
    cells = options.tasks**2
    print(f"{cells} cells of {options.answers} answers, AP {results.metrics[0].value:.1f}")
    print(f"import {after_import - wall:.1f} s ({cpu_import - cpu:.1f} s CPU)")
    print(f"score {done - after_import:.1f} s ({cpu_done - cpu_import:.1f} s CPU)")
    print(f"together {done - wall:.1f} s ({cpu_done - cpu:.1f} s CPU)")


def _form(at: int) -> str:
    return SCORERS[at % len(SCORERS)][0]


def _write_suite(root: Path, names: list[str], num: int) -> Path:
    for at, name in enumerate(names):
        form, scorer, released = SCORERS[at % len(SCORERS)]
        write_yaml(
            root / "tasks" / f"{name}.yaml",
            name=name, title=name, description=f"Synthetic task {name}.", answer_form=form,
            scorer=scorer, released_scorer=released, template=name, reader="jsonl",
            splits={"test": {"file": f"{name}.jsonl"}}, licence="CC0-1.0", citation="none",
            **({"classes": list(WORDS)} if form == "class_name" else {}),
            form={"letters": "ABCD"} if form == "option_letter" else {},
        )  # fmt: skip
        variants = [{"id": "v0", "split": "train", "text": "{{ question }}\nAnswer shortly."}]
        write_yaml(
            root / "instruction_templates" / f"{name}.yaml", name=name, answer_form=form, variants=variants
        )
        write_lines(root / "data" / f"{name}.jsonl", (_question(at, number) for number in range(num)))
    suite = root / "tasks" / "suites" / "synthetic.yaml"
    write_yaml(
        suite,
        name="synthetic",
        version=1,
        title="Synthetic",
        description="Synthetic tasks.",
        train=names,
        base="none",
    )
    return suite


def _question(at: int, number: int) -> dict[str, object]:
    form = _form(at)
    word = WORDS[number % len(WORDS)]
    box = f"[0.{number % 5}1, 0.{number % 4}2, 0.{5 + number % 5}3, 0.{5 + number % 4}4]"
    answers = {"option_letter": ["ABCD"[number % 4]], "box": [box]}.get(form, [word])
    if SCORERS[at % len(SCORERS)][1] == "vqa_accuracy":
        answers = [word] * 7 + ["something else", "no idea", "grey"]
    row: dict[str, object] = {
        "id": f"{at}-{number}",
        "question": f"What is on picture {number}?",
        "answers": answers,
    }
    return row | ({"choices": ["one", "two", "three", "four"]} if form == "option_letter" else {})


def _write_tree(root: Path, names: list[str], num: int) -> None:
    """Write every cell; the longer ago a task was learned, the more of its answers are wrong or wordy."""
    for learned, stage in enumerate(names):
        for at, task in enumerate(names):
            generator = random.Random(100 * learned + at)
            right = 0.9 - 0.08 * max(0, learned - at) if at <= learned else 0.1
            rows = (_answer(_question(at, number), generator, right) for number in range(num))
            write_lines(root / task / ("Finetune" if task == stage else stage) / "merge.jsonl", rows)


def _answer(question: dict[str, object], generator: random.Random, right: float) -> dict[str, object]:
    answers = question["answers"]
    said = (
        answers[0]
        if isinstance(answers, list) and generator.random() < right
        else "It looks like a grey elephant"
    )
    prompt = f"{question['question']}\nAnswer the question using a single word or phrase."
    return {"question_id": question["id"], "prompt": prompt, "text": said,
            "answer_id": f"{generator.getrandbits(64):x}", "model_id": "none", "metadata": {}}  # fmt: skip


if __name__ == "__main__":
    main()
