"""How long is an optimizer step of each method, and how much memory does it take, against sequential LoRA?

    python benchmarks/train_step.py --markdown runs/train_step.md     # the embedded base, this machine
    python benchmarks/train_step.py --base 7b --device cuda           # LLaVA-1.5-7B shapes, random weights

A step is the trainer's own: batch, forward, backward, gradient norm, AdamW. On the embedded base the batches
are those of the suite `mini`, every picture looked at before, methods take turns, and the peak is that of a
process of its own; at 7B shapes they are random ids, in bf16. Medians. With --strict, exit status 1 when a
method is above its target.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from tabulate import tabulate

from benchmarks.train_step_cases import Case, embedded_case, matmul_ceiling, model_flops, random_case
from cvit_bench.progress import say
from cvit_bench.records.files import write_text
from cvit_bench.train.examples import draw_batches
from cvit_bench.train.loop import learn_batch

METHODS = ("lora", "dora", "olora", "moelora", "hydralora", "smolora", "branchlora", "ewc", "lwf", "replay")
TARGET = {"embedded:mini": 1.35, "7b": 1.25}
JUDGED = ("smolora", "branchlora", "moelora")
WARM = 2


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, tell whether all targets are met."""
    given = _parser().parse_args(argv)
    torch.set_num_threads(given.threads)
    if given.base == "7b":
        found = {name: _alone(lambda name=name: random_case(name, given), given) for name in given.methods}
    else:
        found = _in_turns({name: embedded_case(name, given) for name in given.methods}, given)
    table, missed = _table(found, given)
    print(table)
    if given.markdown:
        write_text(given.markdown, table + "\n")
    return 1 if missed and given.strict else 0


Measured = tuple[float, float, int, float | None]
"""Seconds a step, tokens a second, tokens a step, peak bytes (None where the device does not tell)."""


def _in_turns(cases: dict[str, Case], given: argparse.Namespace) -> dict[str, Measured]:
    """Measure methods that fit side by side: one step of each, again and again."""
    clock, count = _clock(given), WARM + given.repeats
    tunings = {name: (case.start(), iter(list(islice(case.draws, count)))) for name, case in cases.items()}
    first = next(iter(cases.values()))
    for draw in draw_batches(first.stage.examples, first.stage.budget.batch_size, count, "0"):
        first.stage.base.encoder.lesson(draw.prompts, draw.answers)
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    tokens = dict.fromkeys(cases, 0)
    for number in range(count):
        for name, (tuning, draws) in tunings.items():
            began = clock()
            record = learn_batch(tuning, next(draws))
            if number >= WARM:
                seconds[name].append(clock() - began)
                tokens[name] = record.tokens
    peaks = _peaks(tuple(cases), given)
    return {name: (*_speed(times, tokens[name]), peaks[name]) for name, times in seconds.items()}


def _peaks(names: Sequence[str], given: argparse.Namespace) -> dict[str, int]:
    """Return the largest resident memory of a process that takes a few steps of one method."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        return dict(zip(names, pool.map(_peak, names, [given] * len(names)), strict=True))


def _peak(name: str, given: argparse.Namespace) -> int:
    torch.set_num_threads(given.threads)
    case = embedded_case(name, given)
    tuning = case.start()
    for draw in islice(case.draws, WARM + 1):
        learn_batch(tuning, draw)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _alone(make: Callable[[], Case], given: argparse.Namespace) -> Measured:
    """Measure one method on a device that holds one at a time; its memory is let go afterwards."""
    clock, case = _clock(given), make()
    tuning, draws = case.start(), iter(case.draws)
    if given.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    seconds, tokens = [], 0
    for number in range(WARM + given.repeats):
        began = clock()
        record = learn_batch(tuning, next(draws))
        if number >= WARM:
            seconds.append(clock() - began)
            tokens = record.tokens
    peak: int | None = torch.cuda.max_memory_allocated() if given.device.startswith("cuda") else None
    del tuning, draws, case
    gc.collect()
    if given.device.startswith("cuda"):
        torch.cuda.empty_cache()
    say(f"{statistics.median(seconds):.3f} s a step")
    return (*_speed(seconds, tokens), peak)


def _speed(seconds: Sequence[float], tokens: int) -> tuple[float, float, int]:
    middle = statistics.median(seconds)
    return middle, tokens / middle, tokens


def _clock(given: argparse.Namespace) -> Callable[[], float]:
    if not given.device.startswith("cuda"):
        return time.process_time if given.clock == "cpu" else time.perf_counter

    def synchronised() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return synchronised


def _table(found: dict[str, Measured], given: argparse.Namespace) -> tuple[str, bool]:
    """Return the table and whether a target is missed."""
    first = found[next(iter(found))][0]
    ceiling = matmul_ceiling(given) if given.base == "7b" else None
    limit, missed, rows = TARGET[given.base], False, []
    for name, (seconds, speed, tokens, peak) in found.items():
        ratio = seconds / first
        verdict = ""
        if name in JUDGED:
            verdict = f"≤ {limit:g}: {'pass' if ratio <= limit else 'MISS'}"
            missed = missed or ratio > limit
        share = model_flops(tokens) / seconds / ceiling if ceiling else None
        rows.append([name, seconds, ratio, verdict, speed, peak and peak / 2**30, share])
    headers = ("method", "s a step", "× LoRA", "target", "tokens/s", "peak GiB", "share of matmul ceiling")
    return tabulate(rows, headers=headers, tablefmt="github", floatfmt=".3g"), missed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--base", choices=sorted(TARGET), default="embedded:mini")
    add("--methods", nargs="+", default=list(METHODS), help="the first is what others are held against")
    add("--repeats", type=int, default=10)
    add("--device", default="cpu")
    add("--threads", type=int, default=1)
    add("--clock", choices=("wall", "cpu"), default="wall", help="cpu: time on the processor, busy machines")
    add("--attention", choices=("suited", "fused"), default="suited", help="suited: as the trainer does")
    add("--batch", type=int, default=16, help="samples a step at 7B shapes")
    add("--length", type=int, default=704, help="positions a sample at 7B shapes, 576 of them a picture")
    add("--layers", type=int, default=32, help="decoder layers at 7B shapes; fewer for a trial")
    add("--strict", action="store_true", help="exit status 1 when a target is missed")
    add("--markdown", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
