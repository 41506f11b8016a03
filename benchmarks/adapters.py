"""How fast is a routed layer, against its literal loop over experts and against plain LoRA of the same rank?

    python benchmarks/adapters.py --shapes tiny 1024 4096 --markdown runs/adapters.md

One linear layer with each method's update, forward and forward with backward. `loop` runs one expert after
another, each to the full width of the output, as released codes do; `LoRA` is PEFT's own. All of them stand
on the same frozen base, which is timed alone as well. Before anything is timed, the update and the gradients
must equal the loop's. Exit status 1: they do not, or a target is missed and --strict is given.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from tabulate import tabulate
from torch import nn

from benchmarks.adapter_cases import SHAPES, Case, Setting, build, difference, tell
from benchmarks.adapter_loops import LOOPS
from benchmarks.adapter_made import made_by
from cvit_bench.progress import say
from cvit_bench.records.files import write_text

TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 3e-2}
AT_LEAST = {"1024": 3.0, "4096": 5.0}
AT_MOST = {"tiny": 2.0, "1024": 1.5, "4096": 1.5}
FORWARD, BOTH, DECODE = "forward", "forward + backward", "decode"
LONG_ENOUGH = 0.02


def measure(case: Case, what: str, repeats: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median milliseconds of each side; repeats take turns."""
    times: dict[str, list[float]] = {name: [] for name in case.sides}
    case.let_learn(what == BOTH)
    runs = {name: _run(case, side, what) for name, side in case.sides.items()}
    counts = {name: _how_often(run, clock) for name, run in runs.items()}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(_seconds(run, counts[name], clock))
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def _run(case: Case, side: nn.Module, what: str) -> Callable[[], object]:
    if what == BOTH:
        weights = [weight for weight in side.parameters() if weight.requires_grad]
        return lambda: case.backward(side, weights)
    return torch.inference_mode()(lambda: case.forward(side))


def _how_often(run: Callable[[], object], clock: Callable[[], float]) -> int:
    if _seconds(run, 1, clock) > LONG_ENOUGH:
        return 1
    return max(1, round(LONG_ENOUGH / max(_seconds(run, 1, clock), 1e-6)))


def _seconds(run: Callable[[], object], count: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(count):
        run()
    return (clock() - start) / count


def clock_of(name: str, device: torch.device) -> Callable[[], float]:
    """Return a clock: wall time, or the time that the process had on the processor."""
    if device.type == "cpu":
        return time.process_time if name == "cpu" else time.perf_counter

    def synchronised() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return synchronised


def timed_rows(method: str, name: str, setting: Setting, given: argparse.Namespace) -> Iterator[list[object]]:
    """Yield the rows of one method at one shape, after a check that it equals the loop."""
    shape = SHAPES[name]
    case = build(method, shape, setting)
    gap = difference(case)
    if not gap <= TOLERANCE[setting.dtype]:
        raise ArithmeticError(f"{method} at {name}, {setting.dtype}: {gap:.1e} away from the loop")
    for what in (FORWARD, BOTH):
        yield _timed(case, method, name, what, given)
    step = replace(shape, samples=8)
    with torch.no_grad():
        tell(case, step, 16)
        for side in (case.fused, case.loop):
            case.forward(side.eval())
    tell(case, step, 1, decoding=True)
    yield _timed(case, method, name, DECODE, given)


def _timed(case: Case, method: str, name: str, what: str, given: argparse.Namespace) -> list[object]:
    clock = clock_of(given.clock, case.setting.device)
    times = measure(case, what, given.repeats, clock)
    row = [name, str(case.setting.dtype).partition(".")[2], method, what, *judged(times, name, what)]
    say(", ".join([*map(str, row[:4]), *(f"{side} {value:.2f} ms" for side, value in times.items())]))
    return row


def judged(times: dict[str, float], shape: str, what: str) -> list[object]:
    """Return the times, what they mean against one another, and the verdict on the target."""
    base, loop, ours, lora = (times[side] for side in ("base", "loop", "ours", "LoRA"))
    ratios = [loop / ours, ours / lora]
    alone = (loop - base) / (ours - base) if ours > base else None
    target, verdict = "", ""
    if what == FORWARD and shape in AT_LEAST:
        target, verdict = f"loop / ours ≥ {AT_LEAST[shape]:g}", _word(ratios[0] >= AT_LEAST[shape])
    if what == BOTH:
        target, verdict = f"ours / LoRA ≤ {AT_MOST[shape]:g}", _word(ratios[1] <= AT_MOST[shape])
    return [base, loop, ours, lora, ratios[0], alone, ratios[1], target, verdict]


def made_rows(method: str, setting: Setting, stream: str) -> Iterator[list[object]]:
    """Yield what the first layer of a pass makes, and what each further one makes, with a verdict."""
    layers = ("first of a pass", "each further")
    for layer, made in zip(layers, made_by(method, SHAPES["tiny"], setting, stream), strict=True):
        bad = [made.counts[kind] for kind in ("built", "moved", "read back")]
        rest = [made.counts[kind] for kind in ("filled", "of weights alone")]
        verdict = _word(not any(bad)) if layer == layers[1] else "–"
        yield [method, stream, layer, *bad, *rest, made.elements, verdict]


def _word(passed: bool) -> str:
    return "pass" if passed else "miss"


TIMES = ("shape", "dtype", "method", "pass", "base ms", "loop ms", "ours ms", "LoRA ms", "loop / ours",
         "… less base", "ours / LoRA", "target", "verdict")  # fmt: skip
MADE = ("method", "stream", "layer", "built", "moved", "read back", "filled", "of weights alone",
        "… elements", "verdict")  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Check, measure and print."""
    given = _parser().parse_args(argv)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    device = torch.device(given.device)
    settings = [Setting(device, getattr(torch, name), given.dropout, given.padded) for name in given.dtypes]
    try:
        times = [
            row
            for name in given.shapes
            for setting in settings
            for method in given.methods
            for row in timed_rows(method, name, setting, given)
        ]
        made = [
            row
            for method in given.methods
            for stream in ("text", "vision")
            for row in made_rows(method, settings[0], stream)
        ]
    except ArithmeticError as error:
        print(error, file=sys.stderr)
        return 1
    text = "\n\n".join([_title(given), _table(TIMES, times), "A layer in evaluation:", _table(MADE, made)])
    print(text)
    if given.markdown:
        write_text(given.markdown, f"{text}\n")
    return int(given.strict and any(row[-1] == "miss" for row in (*times, *made)))


def _title(given: argparse.Namespace) -> str:
    where = torch.cuda.get_device_name() if given.device == "cuda" else f"{given.threads} thread(s)"
    padding = "padded" if given.padded else "no padding"
    return (
        f"torch {torch.__version__}, {given.device} ({where}), {given.clock} time, "
        f"median of {given.repeats}, dropout {given.dropout} in training, {padding}"
    )


def _table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return str(tabulate(rows, headers, tablefmt="pipe", floatfmt=".2f", missingval="–"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--methods", nargs="+", choices=LOOPS, default=list(LOOPS))
    parser.add_argument("--repeats", type=int, default=9, help="median of so many")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtypes", nargs="+", choices=("float32", "bfloat16"), default=["float32"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: on a busy machine")
    parser.add_argument("--dropout", type=float, default=0.05, help="in forward + backward")
    parser.add_argument("--padded", action="store_true", help="half of the samples a quarter shorter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", type=Path, help="write the tables to this file as well")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a target is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
