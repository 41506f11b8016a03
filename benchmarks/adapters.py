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
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from peft import LoraConfig
from peft.tuners.lora import Linear as LoraLinear
from tabulate import tabulate
from torch import nn
from torch.nn.functional import dropout, linear, one_hot
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cvit_bench import plugins
from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.peft_bridge import RoutedLinear
from cvit_bench.adapters.routing import INSTRUCTION_WIDTH, Routing
from cvit_bench.progress import say
from cvit_bench.records.files import write_text

EXPERTS = 8
TASKS = 3
IMAGE_TOKEN = 1
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 3e-2}
AT_LEAST = {"1024": 3.0, "4096": 5.0}
AT_MOST = {"tiny": 2.0, "1024": 1.5, "4096": 1.5}
FORWARD, BOTH, DECODE = "forward", "forward + backward", "decode"
LONG_ENOUGH = 0.02
LIKE_ANOTHER = ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
READS_BACK = ("_local_scalar_dense", "nonzero")


@dataclass(frozen=True)
class Shape:
    """Widths of a linear layer, total rank of its update, samples of a batch and positions of a sample."""

    width_in: int
    width_out: int
    rank: int
    samples: int
    positions: int


SHAPES = {
    "tiny": Shape(192, 512, 32, 24, 100),
    "1024": Shape(1024, 2752, 128, 4, 512),
    "4096": Shape(4096, 4096, 128, 2, 512),
}


@dataclass(frozen=True)
class Setting:
    """What is the same for all layers of a run."""

    device: torch.device
    dtype: torch.dtype
    dropout: float
    padded: bool

    def computing(self) -> AbstractContextManager[object]:
        """Return the context of a pass: autocast where the base is not float32."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)


class Loop(nn.Module):
    """Base and experts; a subclass runs them one by one. The weights are copies of the fused layer's."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__()
        self.update, self.routing = [fused.routed["default"]], fused.routing
        self.base, self.config = fused.base_layer, self.update[0].config
        self.downs, self.ups = nn.ParameterList(), nn.ParameterList()

    def take(self, downs: Sequence[torch.Tensor], ups: Sequence[torch.Tensor]) -> None:
        """Copy A's and B's; one A may serve all."""
        self.downs.extend(nn.Parameter(weight.detach().clone()) for weight in downs)
        self.ups.extend(nn.Parameter(weight.detach().clone()) for weight in ups)

    def down(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Return A_n x, with a dropout mask of its own."""
        weight = self.downs[number % len(self.downs)]
        x = x if torch.is_autocast_enabled(x.device.type) else x.to(weight.dtype)
        return linear(dropout(x, self.config.dropout, self.training), weight)

    def up(self, number: int, h: torch.Tensor) -> torch.Tensor:
        """Return s · B_n h, as wide as the output."""
        return linear(h, self.ups[number]) * self.config.scale


class TokenLoop(Loop):
    """MoELoRA and HydraLoRA: every expert for every token, times its gate; A is applied anew for each."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__(fused)
        update = self.update[0]
        rank = self.config.rank // EXPERTS
        self.take(update.down.split(rank), update.up.split(rank, 1))
        self.router = nn.Parameter(update.router.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = linear(x.to(self.router.dtype), self.router).softmax(-1)
        output = self.base(x)
        for number in range(EXPERTS):
            output = output + gates[..., number, None] * self.up(number, self.down(number, x))
        return output


class SampleLoop(Loop):
    """BranchLoRA: A once, then every branch, times a gate that is zero for all but the chosen ones."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__(fused)
        update = self.update[0]
        self.take([update.down], [branch.up for branch in update.branches])
        self.routers = nn.ParameterList(task.router.detach().clone() for task in update.tasks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = self.gates(x)
        h = self.down(0, x)
        output = self.base(x)
        for number in range(EXPERTS):
            output = output + gates[:, number, None, None] * self.up(number, h)
        return output

    def gates(self, x: torch.Tensor) -> torch.Tensor:
        """Return w [B, N] by the router of each sample's task, at its first token; kept while decoding."""
        if not self.routing.decoding:
            routers = torch.stack(list(self.routers))[self.routing.tasks]
            share = torch.einsum("bnd,bd->bn", routers, x[:, 0].to(routers.dtype)).softmax(-1)
            chosen = share.topk(self.config.top_k, -1).indices
            self.kept = share * torch.zeros_like(share).scatter(-1, chosen, 1.0)
        return self.kept


class FusedLoop(Loop):
    """SMoLoRA: all blocks, times 0 or 1, summed in two groups; fusion looks at the two outputs."""

    def __init__(self, fused: RoutedLinear) -> None:
        super().__init__(fused)
        update = self.update[0]
        rank = self.config.rank // EXPERTS
        self.take(update.down.split(rank), update.up.split(rank, 1))
        self.importance = nn.Parameter(update.fusion.detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = torch.cat([self.route(self.mean(x), "vu"), self.route(self.routing.instructions, "if")], 1)
        groups = []
        for first in (0, EXPERTS // 2):
            total = None
            for number in range(first, first + EXPERTS // 2):
                part = gates[:, number, None, None] * self.up(number, self.down(number, x))
                total = part if total is None else total + part
            groups.append(total)
        scores = [linear(group, row[None]) for group, row in zip(groups, self.importance, strict=True)]
        alpha, beta = torch.cat(scores, -1).softmax(-1).split(1, -1)
        return self.base(x) + alpha * groups[0] + beta * groups[1]

    def mean(self, x: torch.Tensor) -> torch.Tensor:
        if not self.routing.ragged:
            return x.float().mean(1)
        real = self.routing.real.unsqueeze(-1)
        return (x.float() * real).sum(1) / real.sum(1)

    def route(self, x: torch.Tensor, group: str) -> torch.Tensor:
        router = getattr(self.update[0], f"{group}_router")
        with torch.autocast(x.device.type, enabled=False):
            return one_hot(linear(x.float(), router).argmax(-1), len(router)).float()


LOOPS = {"smolora": FusedLoop, "branchlora": SampleLoop, "moelora": TokenLoop, "hydralora": TokenLoop}


@dataclass
class Case:
    """One method at one shape: a base and three layers on it, with a batch."""

    setting: Setting
    base: nn.Linear
    fused: RoutedLinear
    loop: Loop
    lora: LoraLinear
    x: torch.Tensor
    upstream: torch.Tensor

    @property
    def sides(self) -> dict[str, nn.Module]:
        return {"base": self.base, "loop": self.loop, "ours": self.fused, "LoRA": self.lora}

    def forward(self, side: nn.Module) -> torch.Tensor:
        """Run a layer as one more pass."""
        self.fused.routing.passes += 1
        with self.setting.computing():
            return side(self.x)

    def backward(self, side: nn.Module, weights: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Run a layer and return the gradients of its input and weights."""
        return torch.autograd.grad(
            self.forward(side), [self.x, *weights], self.upstream, allow_unused=True, materialize_grads=True
        )


def build(method: str, shape: Shape, setting: Setting, stream: str = "text") -> Case:
    """Return the layers of a method, A and B drawn so that the update is about as large as its base."""
    base = nn.Linear(shape.width_in, shape.width_out, bias=False).requires_grad_(False)
    module = plugins.load(plugins.ADAPTERS, method)
    sizes = {"rank": shape.rank, "alpha": 2.0 * shape.rank, "dropout": setting.dropout}
    history = History(tuple("abc"), (EXPERTS,) * TASKS) if method == "branchlora" else History()
    update = module.Update(
        Place("layer", stream, shape.width_in, shape.width_out), module.Config(**sizes), history
    )
    update.start(None)
    fused = RoutedLinear(base, Routing())
    fused.routed["default"] = update
    fused.set_adapter("default")
    plain = LoraConfig(r=shape.rank, lora_alpha=2 * shape.rank, lora_dropout=setting.dropout)
    lora = LoraLinear(base, "default", plain, r=plain.r, lora_alpha=plain.lora_alpha)
    for name, weight in [*update.named_parameters(), *lora.lora_B.named_parameters()]:
        if name.endswith(("down", "up", "default.weight")):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
    loop = LOOPS[method](fused)
    for layer in (fused, loop, lora):
        layer.to(setting.device)
    base.to(setting.dtype)
    case = Case(setting, base, fused, loop, lora, torch.empty(0), torch.empty(0))
    tell(case, shape, shape.positions)
    return case


def tell(case: Case, shape: Shape, positions: int, decoding: bool = False) -> None:
    """Give the case a batch, and its routing what a model says about it."""
    setting, routing = case.setting, case.fused.routing
    size = (shape.samples, positions)
    case.x = torch.randn(*size, shape.width_in).to(setting.device, setting.dtype).requires_grad_()
    case.upstream = torch.randn(*size, shape.width_out).to(setting.device, setting.dtype)
    mask = torch.ones(size, dtype=torch.long, device=setting.device)
    if setting.padded and not decoding:
        mask[: shape.samples // 2, -positions // 4 :] = 0
    if not decoding:
        routing.instructions = torch.randn(shape.samples, INSTRUCTION_WIDTH).to(setting.device)
        routing.tasks = torch.arange(shape.samples, device=setting.device) % TASKS
    routing.observe(torch.full_like(mask, IMAGE_TOKEN), mask, None, IMAGE_TOKEN, decoding)


def difference(case: Case) -> float:
    """Return how far ours is from the loop without dropout: update, and gradients of input, A's and B's.

    As a share of the largest value of each.
    """
    for side in case.sides.values():
        side.eval()
    with torch.no_grad():
        plain = case.forward(case.base)
        pairs = [(case.forward(case.fused) - plain, case.forward(case.loop) - plain)]
    update = case.fused.routed["default"]
    branches = getattr(update, "branches", None)
    ups = [update.up] if branches is None else [branch.up for branch in branches]
    ours = case.backward(case.fused, [update.down, *ups])
    theirs = case.backward(case.loop, [*case.loop.downs, *case.loop.ups])
    count = 1 + len(case.loop.downs)
    pairs.append((ours[0], theirs[0]))
    pairs.append((ours[1], torch.cat(theirs[1:count])))
    pairs.append((torch.cat(ours[2:], 1), torch.cat(theirs[count:], 1)))
    return max(float((one - other).abs().max() / other.abs().max()) for one, other in pairs)


def measure(case: Case, what: str, repeats: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median milliseconds of each side; repeats take turns."""
    times: dict[str, list[float]] = {name: [] for name in case.sides}
    runs = {name: _run(case, side, what) for name, side in case.sides.items()}
    counts = {name: _how_often(run, clock) for name, run in runs.items()}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(_seconds(run, counts[name], clock))
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def _run(case: Case, side: nn.Module, what: str) -> Callable[[], object]:
    side.train(what == BOTH)
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


class Made(TorchDispatchMode):
    """Notes which operations make tensors of nothing, move them, or look at them from the host.

    Attributes:
        counts: such operations by kind. elements: size of what is computed from weights alone.
    """

    def __init__(self, weights: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.kept = list(weights)
        self.fixed = {weight.untyped_storage().data_ptr() for weight in weights}
        self.counts: Counter[str] = Counter()
        self.elements = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given, out = _tensors((args, kwargs or {})), _tensors(result)
        name = func._schema.name.partition("::")[2]
        if name in READS_BACK:
            self.counts["read back"] += 1
        elif not given or name == "lift_fresh":
            self.counts["built"] += 1
        elif {tensor.device for tensor in out} - {tensor.device for tensor in given}:
            self.counts["moved"] += 1
        elif name in LIKE_ANOTHER:
            self.counts["filled"] += 1
        elif all(_storage(tensor) in self.fixed for tensor in given):
            self._note_fixed(out)
        return result

    def _note_fixed(self, out: list[torch.Tensor]) -> None:
        new = [tensor for tensor in out if _storage(tensor) not in self.fixed]
        self.kept += new
        self.fixed |= {_storage(tensor) for tensor in new}
        self.counts["of weights alone"] += len(new)
        self.elements += sum(tensor.numel() for tensor in new)


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def made_row(method: str, shape: Shape, setting: Setting, stream: str) -> tuple[object, ...]:
    """Return what a forward pass of one layer makes, with a verdict."""
    case = build(method, shape, setting, stream)
    case.fused.eval()
    update = case.fused.routed["default"]
    watch = Made([*case.fused.parameters(), *update.buffers()])
    with torch.no_grad(), watch:
        case.forward(case.fused)
    bad = ("built", "moved", "read back")
    counts = [watch.counts[kind] for kind in (*bad, "filled", "of weights alone")]
    return (method, stream, *counts, watch.elements, _word(not sum(counts[: len(bad)])))


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


def _word(passed: bool) -> str:
    return "pass" if passed else "miss"


TIMES = ("shape", "dtype", "method", "pass", "base ms", "loop ms", "ours ms", "LoRA ms", "loop / ours",
         "… less base", "ours / LoRA", "target", "verdict")  # fmt: skip
MADE = ("method", "stream", "built", "moved", "read back", "filled", "of weights alone",
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
            made_row(method, SHAPES["tiny"], settings[0], stream)
            for method in given.methods
            for stream in ("text", "vision")
        ]
    except ArithmeticError as error:
        print(error, file=sys.stderr)
        return 1
    text = "\n\n".join(
        [_title(given), _table(TIMES, times), "One forward pass of a layer:", _table(MADE, made)]
    )
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
