"""The optimizer loop of one stage: loss on the answer only, AdamW, cosine with warm-up."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.conditioning import condition
from cvit_bench.models.loading import LoadedBase
from cvit_bench.progress import Meter
from cvit_bench.records.training import TrainingBudget
from cvit_bench.train.examples import Draw
from cvit_bench.train.precision import computing


@dataclass(frozen=True)
class Course:
    """The batches of a stage, how many there are, and how many of them see every sample once."""

    draws: Iterable[Draw]
    num_steps: int
    epoch: int


def train_stage(
    adapted: Any, base: LoadedBase, course: Course, budget: TrainingBudget, meter: Meter
) -> list[float]:
    """Tune the trainable weights of `adapted`; return the loss of every step (nats per answer token)."""
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=budget.learning_rate, weight_decay=budget.weight_decay)
    rates = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate_factor(budget, step, course.num_steps)
    )
    losses: list[float] = []
    adapted.train()
    for number, draw in enumerate(course.draws):
        watch_usage(adapted, course.num_steps - number <= course.epoch)
        losses.append(_step(adapted, base, draw, optimizer, weights, budget))
        rates.step()
        meter.advance(len(draw.prompts), f"loss {losses[-1]:.3f}")
    return losses


def watch_usage(adapted: Any, in_last_epoch: bool) -> None:
    """Have a routed adapter count which branches it uses, where its settings do so already."""
    tuner = tuner_of(adapted)
    if tuner is not None:
        window = getattr(tuner.settings, "usage_window", "stage")
        tuner.routing.counts_usage = in_last_epoch or window == "stage"


def rate_factor(budget: TrainingBudget, step: int, num_steps: int) -> float:
    """Return the share of the learning rate at a step: warm-up, then cosine to 0 or constant 1.

    A logarithmic warm-up is ln(step + 1) / ln(steps of warm-up), as in DeepSpeed's WarmupLR.
    """
    warmup = math.ceil(budget.warmup_share * num_steps)
    if step < warmup and budget.warmup == "log":
        return math.log(step + 1) / math.log(max(2, warmup))
    if step < warmup:
        return (step + 1) / warmup
    if budget.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, num_steps - warmup)))


def _step(
    adapted: Any,
    base: LoadedBase,
    draw: Draw,
    optimizer: Any,
    weights: list[torch.nn.Parameter],
    budget: TrainingBudget,
) -> float:
    batch = base.encoder.lesson(draw.prompts, draw.answers)
    condition(adapted, draw.prompts, training=True)
    tuner = tuner_of(adapted)
    with computing(budget.precision, base.device):
        loss = adapted(**batch).loss
        if tuner is not None:
            loss = loss + tuner.extra_loss()
    if not torch.isfinite(loss):
        raise CvitBenchError(
            f"the loss became {loss.item()}: the stage is not saved; "
            "a lower --set training.learning_rate may help"
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, budget.clip)
    optimizer.step()
    return float(loss.item())
