"""One linear layer with a method's update beside its loop and plain LoRA, all on one base, and a batch."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from peft import LoraConfig
from peft.tuners.lora import Linear as LoraLinear
from torch import nn

from benchmarks.adapter_loops import EXPERTS, LOOPS, Loop
from cvit_bench import plugins
from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.peft_bridge import RoutedLinear
from cvit_bench.adapters.routing import Routing
from cvit_bench.resources import INSTRUCTION_WIDTH

TASKS = 3
IMAGE_TOKEN = 1


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

    def let_learn(self, learns: bool) -> None:
        """Put all sides in training, or as they are when loaded: nothing of them asks for a gradient."""
        for side in self.sides.values():
            side.train(learns)
            for name, weight in side.named_parameters():
                weight.requires_grad_(learns and not name.startswith(("base", "weight")))

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
