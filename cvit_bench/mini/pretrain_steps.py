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
    import numpy as np
    import torch
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

SIZES = {"shapes": 15000, "emoji": 22000, "garments": 14000, "digits": 9000, "printed": 5000}
FOUR = (0.24, 0.4, 0.18, 0.18, 0.0)
FIVE = (0.22, 0.36, 0.16, 0.14, 0.12)
"""Shares of the domains in a batch, in the order of `SIZES`: without and with printed numerals."""


@dataclass(frozen=True)
class Phase:
    """One phase: how many steps of which size, from which learning rate down to which.

    The tower may learn at a share of that rate: at the full rate the second phase undoes much of the first.
    A phase that ends before its cosine does has a `horizon` beyond its steps.
    """

    name: str
    steps: int
    batch: int
    peak: float
    floor: float
    tower: float = 1.0
    warmup: int = 100
    horizon: int = 0
    shares: tuple[float, ...] = FOUR

    def rate(self, step: int) -> float:
        """Return the learning rate: a linear warm-up, then one cosine."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        turn = (step - self.warmup) / max(1, (self.horizon or self.steps) - self.warmup)
        return self.floor + (self.peak - self.floor) * 0.5 * (1 + math.cos(math.pi * turn))


SEEING = Phase("seeing", 2200, 48, 1.5e-3, 4e-4)
ANSWERING = Phase("answering", 1000, 32, 1.5e-3, 1e-5, tower=0.3, horizon=1900)
FINISHING = Phase("finishing", 700, 32, 8e-4, 1e-5, tower=0.3, warmup=40, shares=FIVE)


@dataclass
class Bench:
    """What training holds: the model, its patch heads, the data and the record of losses."""

    model: LlavaForConditionalGeneration
    heads: torch.nn.ModuleDict
    processor: LlavaProcessor
    pool: Pool
    rng: np.random.Generator
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


def step_loss(bench: Bench, phase: Phase) -> dict[str, torch.Tensor]:
    """Draw one batch and return its losses by name."""
    import numpy as np

    starts = np.cumsum([0, *SIZES.values()])
    domains = bench.rng.choice(len(SIZES), phase.batch, p=phase.shares)
    numbers = bench.rng.integers(starts[domains], starts[domains + 1])
    numbers = np.minimum(numbers, len(bench.pool.facts) - 1)
    features, dense = see(bench, pictures(bench.pool, numbers, bench.rng))
    if phase.name == "seeing":
        return {"dense": dense}
    asked = questions([bench.pool.facts[n] for n in numbers], bench.processor.tokenizer, bench.rng)
    return {"dense": dense, "answers": answer(bench, features, asked)}


def run(bench: Bench, phase: Phase, every: int, keep: Callable[[], None]) -> None:
    """Run one phase, recording losses every 20 steps and keeping a checkpoint now and then."""
    import torch

    seeing = [*bench.model.model.vision_tower.parameters(), *bench.heads.parameters()]
    known = {id(weight) for weight in seeing}
    speaking = [weight for weight in bench.model.parameters() if id(weight) not in known]
    groups: list[dict[str, Any]] = [
        {"params": seeing, "share": phase.tower},
        {"params": speaking, "share": 1.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.03, fused=True)
    begun = time.monotonic()
    for step in range(phase.steps):
        for group in optimizer.param_groups:
            group["lr"] = phase.rate(step) * group["share"]
        with torch.autocast("cpu", torch.bfloat16):
            losses = step_loss(bench, phase)
            total = losses["dense"] if "answers" not in losses else losses["answers"] + 0.3 * losses["dense"]
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_([*seeing, *speaking], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 20 == 0:
            bench.losses.append(
                {"phase": phase.name, "step": step, **{k: round(v.item(), 4) for k, v in losses.items()}}
            )
            print(bench.losses[-1], f"{time.monotonic() - begun:.0f} s", flush=True)
        if (step + 1) % every == 0 or step + 1 == phase.steps:
            keep()
