"""Elastic weight consolidation: weights that earlier tasks depended on are held where those tasks left them.

Kirkpatrick et al., 2017 (arXiv 1612.00796), equation 3, summed over all finished tasks:

    L(θ) + λ/2 · Σ_t Σ_i F_t,i (θ_i − θ*_t,i)²

F_t is the diagonal of the Fisher information of task t at θ*_t: the mean over samples of the squared gradient
of the log-likelihood of an answer *drawn from the model* (`labels: sampled`), one sample at a time. With
`labels: given` the reference answers stand in, the empirical Fisher of most code.

The sum over tasks is a quadratic in θ, so Σ F_t and Σ F_t θ*_t hold all of it, whatever the number of tasks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import Field
from torch.nn.functional import cross_entropy

from cvit_bench.adapters.routing import IGNORED
from cvit_bench.models.conditioning import condition
from cvit_bench.train.examples import Example
from cvit_bench.train.live_stage import Hook as BaseHook
from cvit_bench.train.live_stage import HookConfig, LiveStage, Tensors
from cvit_bench.train.precision import computing

TITLE = "EWC"


class Config(HookConfig):
    """Settings."""

    strength: float = Field(default=1000.0, ge=0, description="λ")
    num_samples: int = Field(default=200, ge=1, description="of a task, for its Fisher information")
    labels: Literal["sampled", "given"] = "sampled"


class Hook(BaseHook):
    """Keeps `fisher/NAME` = Σ F_t and `pull/NAME` = Σ F_t θ*_t for every weight that learned."""

    def before_stage(self, stage: LiveStage, kept: Mapping[str, torch.Tensor]) -> None:
        """Take over what the tasks before depend on."""
        device = stage.base.device
        self.kept = {name: value.to(device) for name, value in kept.items()}
        self.constant = 0.5 * self.config.strength * float(self.kept.get("constant", torch.zeros(())))

    def penalty(
        self, stage: LiveStage, batch: Mapping[str, torch.Tensor], output: Any
    ) -> torch.Tensor | float:
        """Return λ/2 Σ_t Σ_i F_t,i (θ_i − θ*_t,i)², the same for every batch."""
        if not self.kept:
            return 0.0
        terms = [
            (weight * (0.5 * self.kept[f"fisher/{name}"] * weight - self.kept[f"pull/{name}"])).sum()
            for name, weight in stage.weights.items()
            if f"fisher/{name}" in self.kept
        ]
        return self.config.strength * torch.stack(terms).sum() + self.constant if terms else 0.0

    def after_stage(self, stage: LiveStage) -> Tensors:
        """Add this stage's Fisher information to what is kept."""
        weights = stage.weights
        fisher = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        picked = self._picked(stage)
        stage.adapted.eval()
        for seed, example in stage.processes.share(list(enumerate(picked))):
            for name, gradient in self._gradients(stage, example, seed).items():
                fisher[name] += gradient.square() / len(picked)
        kept = dict(self.kept)
        constant = kept.pop("constant", torch.zeros((), device=stage.base.device))
        for name, weight in weights.items():
            information = stage.processes.total(fisher[name])
            at = weight.detach()
            old = torch.zeros_like(at)
            kept[f"fisher/{name}"] = kept.get(f"fisher/{name}", old) + information
            kept[f"pull/{name}"] = kept.get(f"pull/{name}", old) + information * at
            constant = constant + (information * at.square()).sum()
        return {**kept, "constant": constant}

    def _picked(self, stage: LiveStage) -> list[Example]:
        """Return the samples to look at, the same in every process, a multiple of their number."""
        order = random.Random(f"{stage.seed}/fisher")
        count = min(self.config.num_samples, len(stage.examples))
        return order.sample(list(stage.examples), count - count % stage.processes.count)

    def _gradients(self, stage: LiveStage, example: Example, seed: int) -> Tensors:
        """Return the gradients of the log-likelihood of one answer."""
        batch = stage.base.encoder.lesson([example.prompt], [example.answers[0]])
        condition(stage.adapted, [example.prompt], training=True)
        with computing(stage.budget.precision, stage.base.device):
            logits = stage.adapted(**batch, use_cache=False).logits[0, :-1].float()
        wanted = batch["labels"][0, 1:]
        if self.config.labels == "sampled":
            generator = torch.Generator(logits.device).manual_seed(seed)
            drawn = torch.multinomial(logits.detach().softmax(-1), 1, generator=generator).squeeze(-1)
            wanted = torch.where(wanted == IGNORED, wanted, drawn)
        loss = cross_entropy(logits, wanted, ignore_index=IGNORED, reduction="sum")
        found = torch.autograd.grad(loss, list(stage.weights.values()), allow_unused=True)
        pairs = zip(stage.weights, found, strict=True)
        return {name: gradient for name, gradient in pairs if gradient is not None}
