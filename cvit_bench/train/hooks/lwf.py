"""Learning without forgetting: on new samples the model goes on saying what it said before the stage.

Li and Hoiem, 2016 (arXiv 1606.09282), with the model as the stage found it for a teacher:

    L(θ) + λ · τ² · mean over samples and answer tokens of KL( p_teacher^(1/τ) ‖ p_θ^(1/τ) )

The paper's loss is the cross-entropy of the softened outputs, which has the same gradient but for τ². The
first stage has nothing to keep. The teacher is a copy of the adapter's weights, put in place for one more
forward pass a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from pydantic import Field
from torch.nn.functional import kl_div

from cvit_bench.adapters.routing import IGNORED
from cvit_bench.train.live_stage import Hook as BaseHook
from cvit_bench.train.live_stage import HookConfig, LiveStage

TITLE = "LwF"


class Config(HookConfig):
    """Settings."""

    strength: float = Field(default=1.0, ge=0, description="λ")
    temperature: float = Field(default=2.0, gt=0, description="τ")


class Hook(BaseHook):
    """Holds the teacher's weights while a stage trains."""

    def before_stage(self, stage: LiveStage, kept: Mapping[str, torch.Tensor]) -> None:
        """Copy the adapter as the stage found it."""
        found = stage.weights.items() if stage.past else ()
        self.teacher = {name: weight.detach().clone() for name, weight in found}

    def penalty(
        self, stage: LiveStage, batch: Mapping[str, torch.Tensor], output: Any
    ) -> torch.Tensor | float:
        """Return the softened divergence from the teacher on the answer's tokens."""
        if not self.teacher:
            return 0.0
        said = (batch["labels"][:, 1:] != IGNORED).float()
        heat = self.config.temperature
        with self._taught(stage):
            before = stage.adapted(**batch).logits[:, :-1]
        gap = kl_div(
            (output.logits[:, :-1].float() / heat).log_softmax(-1),
            (before.float() / heat).log_softmax(-1),
            reduction="none",
            log_target=True,
        ).sum(-1)
        each = (gap * said).sum(1) / said.sum(1).clamp(min=1)
        return self.config.strength * heat**2 * each.mean()

    @contextmanager
    def _taught(self, stage: LiveStage) -> Iterator[None]:
        """Put the teacher in place for passes that leave no trace."""
        now = {name: weight.data for name, weight in stage.weights.items()}
        weights = stage.weights
        tuner = stage.tuner
        stage.adapted.eval()
        for name, weight in weights.items():
            weight.data = self.teacher[name]
        try:
            with torch.no_grad():
                if tuner is None:
                    yield
                else:
                    with tuner.routing.aside():
                        yield
        finally:
            for name, weight in weights.items():
                weight.data = now[name]
            stage.adapted.train()
