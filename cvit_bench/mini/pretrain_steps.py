"""The steps of the base's pre-training: losses of one batch, the phases and the loop.

Legend: the dense loss names object and colour of every 8 px patch; the answer loss is the language model's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cvit_bench.mini.pretrain_batches import Asked, Pool, Seen, pictures, questions
from cvit_bench.mini.pretrain_store import IGNORED, NAMES

if TYPE_CHECKING:
    import torch
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

SIZES = {
    "shapes": 9000,
    "emoji": 9000,
    "scene": 12000,
    "garments": 6000,
    "digits": 6000,
    "printed": 4000,
    "words": 9000,
    "signs": 6000,
    "maps": 6000,
    "blurred": 5000,
    "places": 4000,
}
SHARES = (0.1, 0.11, 0.19, 0.1, 0.08, 0.05, 0.12, 0.08, 0.07, 0.05, 0.05)
"""How many pictures each process draws of a domain, and the domains' shares of a batch, in the same order."""


@dataclass(frozen=True)
class Phase:
    """One phase: how many steps of how many pictures a process, from which learning rate down to which.

    The tower may learn at a share of that rate: at the full rate the second phase undoes much of the first.
    """

    name: str
    steps: int
    batch: int
    peak: float
    floor: float
    tower: float = 1.0
    warmup: int = 100

    def rate(self, step: int) -> float:
        """Return the learning rate: a linear warm-up, then one cosine."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        turn = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.floor + (self.peak - self.floor) * 0.5 * (1 + math.cos(math.pi * turn))


SEEING = Phase("seeing", 2200, 32, 1.5e-3, 4e-4)
ANSWERING = Phase("answering", 3600, 24, 1.5e-3, 1e-5, tower=0.3)
PHASES = (SEEING, ANSWERING)
EVERY = 100
"""Steps between two checkpoints."""


@dataclass
class Bench:
    """What training holds: the model, its patch heads, the data, the seed and the record of losses.

    `rank` and `world` say which of how many processes this is; they average their gradients.
    """

    model: LlavaForConditionalGeneration
    heads: torch.nn.ModuleDict
    processor: LlavaProcessor
    pool: Pool
    seed: int
    rank: int = 0
    world: int = 1
    losses: list[dict[str, Any]] = field(default_factory=list)


def see(bench: Bench, seen: Seen) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the patch features and the loss of their labels."""
    import torch
    from torch.nn.functional import cross_entropy

    features = bench.model.model.vision_tower(seen.pixels).last_hidden_state[:, 1:]
    named = bench.heads["objects"](features).float().flatten(0, 1)
    inked = bench.heads["colours"](features).float().flatten(0, 1)
    rare = torch.ones(len(NAMES))
    rare[0] = 0.2
    objects = cross_entropy(named, seen.objects.flatten(), rare)
    return features, objects + 0.5 * cross_entropy(inked, seen.colours.flatten(), ignore_index=IGNORED)


def answer(bench: Bench, features: torch.Tensor, asked: Asked) -> torch.Tensor:
    """Return the loss of the answers, a long one counting less per token."""
    import torch
    from torch.nn.functional import cross_entropy

    model, table = bench.model.model, bench.model.get_input_embeddings()
    tokenizer = bench.processor.tokenizer
    opening = tokenizer.convert_tokens_to_ids(["<s>", "<|user|>"])
    start = table(torch.tensor([opening])).expand(len(features), -1, -1)
    image = model.multi_modal_projector(features)
    inputs = torch.cat([start, image.float(), table(asked.tokens)], 1)
    hidden = model.language_model(
        inputs_embeds=inputs, attention_mask=asked.blocked, position_ids=asked.positions, use_cache=False
    ).last_hidden_state[:, -asked.tokens.shape[1] :]
    told = asked.weights > 0
    losses = cross_entropy(bench.model.lm_head(hidden[told]).float(), asked.targets[told], reduction="none")
    return (losses * asked.weights[told]).sum() / asked.weights.sum()


def step_loss(bench: Bench, phase: Phase, step: int) -> dict[str, torch.Tensor]:
    """Draw one batch, from a seed of its own, and return its losses by name."""
    import numpy as np

    rng = np.random.default_rng([bench.seed, bench.rank, PHASES.index(phase), step])
    starts = np.cumsum([0, *SIZES.values()])
    domains = rng.choice(len(SIZES), phase.batch, p=SHARES)
    numbers = rng.integers(starts[domains], starts[domains + 1])
    numbers = np.minimum(numbers, len(bench.pool.facts) - 1)
    features, dense = see(bench, pictures(bench.pool, numbers, rng))
    if phase.name == "seeing":
        return {"dense": dense}
    asked = questions([bench.pool.facts[n] for n in numbers], bench.processor.tokenizer, rng)
    return {"dense": dense, "answers": answer(bench, features, asked)}


def build_optimizer(bench: Bench, phase: Phase) -> torch.optim.Optimizer:
    """Return AdamW over what the phase trains: the tower and its heads, then everything."""
    import torch

    seeing = [*bench.model.model.vision_tower.parameters(), *bench.heads.parameters()]
    known = {id(weight) for weight in seeing}
    speaking = [weight for weight in bench.model.parameters() if id(weight) not in known]
    groups: list[dict[str, Any]] = [{"params": seeing, "share": phase.tower}]
    if phase.name != "seeing":
        groups.append({"params": speaking, "share": 1.0})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.03, fused=True)


def average(weights: list[torch.nn.Parameter], world: int) -> None:
    """Average the gradients over all processes."""
    import torch

    gradients = [weight.grad for weight in weights if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= world
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def train_step(bench: Bench, phase: Phase, step: int, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Take one step and return its losses by name."""
    import torch

    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for group in optimizer.param_groups:
        group["lr"] = phase.rate(step) * group["share"]
    with torch.autocast("cpu", torch.bfloat16):
        losses = step_loss(bench, phase, step)
        total = losses["dense"] if "answers" not in losses else losses["answers"] + 0.3 * losses["dense"]
    torch.autograd.backward(total)
    if bench.world > 1:
        average(weights, bench.world)
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {name: round(loss.item(), 4) for name, loss in losses.items()}


Keep = Callable[[Phase, int, "torch.optim.Optimizer"], None]


def run(bench: Bench, phase: Phase, start: int, state: dict[str, Any] | None, keep: Keep) -> None:
    """Run one phase from a step on, recording losses every 20 steps and keeping a checkpoint now and then."""
    optimizer = build_optimizer(bench, phase)
    if state is not None:
        optimizer.load_state_dict(state)
    begun = time.monotonic()
    for step in range(start, phase.steps):
        losses = train_step(bench, phase, step, optimizer)
        if step % 20 == 0:
            bench.losses.append({"phase": phase.name, "step": step, **losses})
            if bench.rank == 0:
                print(bench.losses[-1], f"{time.monotonic() - begun:.0f} s", flush=True)
        if (step + 1) % EVERY == 0 or step + 1 == phase.steps:
            keep(phase, step + 1, optimizer)
