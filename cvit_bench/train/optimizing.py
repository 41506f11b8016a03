"""AdamW over what learns, and the learning rate at every step."""

from __future__ import annotations

import math
from typing import Any

import torch

from cvit_bench.records.training import TrainingBudget

Named = dict[str, torch.nn.Parameter]


def learning(adapted: Any) -> Named:
    """Return the weights that learn, by name."""
    return {name: weight for name, weight in adapted.named_parameters() if weight.requires_grad}


def make_optimizer(weights: Named, budget: TrainingBudget, projector: str) -> torch.optim.AdamW:
    """Return AdamW; weights of the projector get a rate of their own where the budget names one."""
    apart = budget.projector_learning_rate
    inside = [name for name in weights if projector and f".{projector}." in name and apart is not None]
    rest = [weight for name, weight in weights.items() if name not in inside]
    groups: list[dict[str, Any]] = [{"params": rest, "initial_lr": budget.learning_rate}]
    if inside:
        groups.append({"params": [weights[name] for name in inside], "initial_lr": apart})
    return torch.optim.AdamW(groups, lr=budget.learning_rate, weight_decay=budget.weight_decay)


def set_rates(optimizer: torch.optim.AdamW, factor: float) -> None:
    """Set the rate of every group to its share of what it began with."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["initial_lr"]


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
