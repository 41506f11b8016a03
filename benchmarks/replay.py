"""Replay of a checkpoint sequence against two ways of doing without: CPU seconds in one go, answers compared.

ours       `evaluate` of this package, ranking left out: the base loaded once, wordings of a sample together
loop       plain transformers: the base loaded once, PEFT swaps adapters, padded batches, `generate`
published  as released scripts do: a process for each cell, the base loaded anew, one prompt at a time

Each side runs in processes of its own; their CPU seconds count from start to end, loading and scoring too.
`python benchmarks/replay.py --run-dir runs/lora --limit 40 --stages 6 --variants 1 5`
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate, prepare
from cvit_bench.records.plan import PlannedCell, cell_path
from cvit_bench.records.prediction import read_predictions

TARGETS = {"published": (15.0, 15.0), "loop": (1 / 1.05, 1 / 0.75)}
"""Least ratio of CPU seconds, theirs / ours, at one wording and at several."""

Answers = dict[str, str]


@dataclass(frozen=True)
class Cost:
    """What a side took for some prompts, and what it answered."""

    cpu: float
    wall: float
    answers: Answers

    @property
    def per_prompt(self) -> float:
        """CPU milliseconds of one prompt."""
        return 1000 * self.cpu / len(self.answers)


def name_of(cell: PlannedCell, sample: str) -> str:
    return f"{cell.stage}/{cell.task}/{cell.variant}/{sample}"


def options_of(limit: int, variants: int, batch_size: int) -> EvaluateOptions:
    return EvaluateOptions(limit=limit, variants=variants, batch_size=batch_size, ranking=False)


def ours(run_dir: Path, options: EvaluateOptions) -> Answers:
    """Evaluate a run and read its answers."""
    evaluate(run_dir, options)
    inputs, _, _, plan = prepare(run_dir, options)
    return {
        name_of(cell, one.id): one.text or ""
        for cell in plan.cells
        for one in read_predictions(cell_path(inputs.run_dir, cell)).predictions
    }


def loop(run_dir: Path, options: EvaluateOptions, cells: Sequence[int] | None = None) -> Answers:
    """Answer cells, all or those with these numbers, with transformers and PEFT alone."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from cvit_bench.models.inputs import prompt_batch

    torch.set_num_threads(1)
    inputs, base, stages, plan = prepare(run_dir, options)
    processor = AutoProcessor.from_pretrained(base)
    processor.tokenizer.padding_side = "left"
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32).eval()
    adapted, found = None, {}
    chosen = [plan.cells[at] for at in (range(len(plan.cells)) if cells is None else cells)]
    for stage in (stage.checkpoint for stage in stages):
        mine = [cell for cell in chosen if cell.stage == stage.name]
        if stage.folder is not None and mine:
            if adapted is None:
                adapted = PeftModel.from_pretrained(model, stage.folder, adapter_name=stage.name).eval()
            else:
                adapted.load_adapter(stage.folder, adapter_name=stage.name)
                adapted.set_adapter(stage.name)
        for cell in mine:
            prompts = sorted(inputs.prompts(cell.task, cell.variant), key=lambda one: len(one.text))
            for start in range(0, len(prompts), options.batch_size):
                part = prompts[start : start + options.batch_size]
                batch = prompt_batch(processor, part)
                with torch.inference_mode():
                    ids = (adapted or model).generate(
                        **batch, max_new_tokens=part[0].max_new_tokens, do_sample=False
                    )
                texts = processor.batch_decode(
                    ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
                )
                found |= {
                    name_of(cell, one.sample_id): text.strip() for one, text in zip(part, texts, strict=True)
                }
    return found


def side(words: Sequence[object]) -> Cost:
    """Run one side in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answers.json"
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, __file__, "--answers", str(out), *map(str, words)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(cpu, time.monotonic() - began, json.loads(out.read_text()))


def short_copy(run_dir: Path, folder: Path, num_stages: int) -> Path:
    """Copy the first stages of a run, without answers."""
    copy = folder / run_dir.name
    shutil.copytree(run_dir / "stages", copy / "stages")
    manifest = json.loads((run_dir / "manifest.json").read_text())
    sequence = [stage for stage in manifest["stages"] if stage.get("shots") is None]
    manifest["stages"] = sequence[:num_stages]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


def compare(arguments: argparse.Namespace, variants: int) -> list[tuple[object, ...]]:
    """Run all sides at so many wordings; return a row for each of the others."""
    with tempfile.TemporaryDirectory() as folder:
        copy = short_copy(arguments.run_dir, Path(folder), arguments.stages)
        words = ["--run-dir", copy, "--limit", arguments.limit, "--variants", variants]
        mine = side([*words, "--side", "ours", "--batch-size", 64])
        plain = side([*words, "--side", "loop", "--batch-size", arguments.batch_size])
        num_cells = len({name.rpartition("/")[0] for name in mine.answers})
        chosen = [int((at + 0.5) * num_cells / arguments.published) for at in range(arguments.published)]
        each = [side([*words, "--side", "loop", "--batch-size", 1, "--cell", at]) for at in chosen]
    alone = Cost(
        sum(one.cpu for one in each),
        sum(one.wall for one in each),
        {name: text for one in each for name, text in one.answers.items()},
    )
    return [
        _row("published", alone, mine, variants),
        _row("loop", plain, mine, variants),
    ]


def _row(name: str, theirs: Cost, mine: Cost, variants: int) -> tuple[object, ...]:
    ratio, target = theirs.per_prompt / mine.per_prompt, TARGETS[name][variants > 1]
    differ = sum(mine.answers[key] != text for key, text in theirs.answers.items())
    verdict = "pass" if ratio >= target else "MISS"
    return (
        variants, name, len(theirs.answers), f"{theirs.per_prompt:.1f}", len(mine.answers),
        f"{mine.per_prompt:.1f}", f"{mine.wall:.0f}", f"{ratio:.2f}", f"{target:.2f}", verdict, differ,
    )  # fmt: skip


HEADERS = ("K", "against", "prompts", "ms CPU a prompt", "ours: prompts", "ours: ms CPU a prompt",
           "ours: s wall", "theirs / ours", "target", "verdict", "answers that differ")  # fmt: skip


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run-dir", type=Path, required=True, help="A run of plain PEFT adapters.")
    parser.add_argument("--limit", type=int, default=40, help="First N samples of every task.")
    parser.add_argument("--stages", type=int, default=6, help="First N stages, the base aside.")
    parser.add_argument("--variants", type=int, nargs="+", default=[1, 5], help="Wordings of every sample.")
    parser.add_argument("--batch-size", type=int, default=32, help="Batch of the plain loop.")
    parser.add_argument("--published", type=int, default=3, help="Cells answered in the published way.")
    parser.add_argument("--side", choices=("ours", "loop"), help=argparse.SUPPRESS)
    parser.add_argument("--cell", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--answers", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Run one side, or compare all; 1 when a target is missed or an answer differs."""
    arguments = parsed()
    if arguments.side:
        options = options_of(arguments.limit, arguments.variants[0], arguments.batch_size)
        cells = None if arguments.cell is None else [arguments.cell]
        is_ours = arguments.side == "ours"
        found = ours(arguments.run_dir, options) if is_ours else loop(arguments.run_dir, options, cells)
        arguments.answers.write_text(json.dumps(found))
        return 0
    rows = [row for variants in arguments.variants for row in compare(arguments, variants)]
    print(tabulate(rows, headers=HEADERS, tablefmt="github", disable_numparse=True))
    return int(any(row[-2] != "pass" or row[-1] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
