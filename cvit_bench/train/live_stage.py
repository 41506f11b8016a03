"""A stage while it trains, as the loop and its hooks see it, and the four moments a hook may act in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from cvit_bench.adapters.peft_bridge import RoutedModel, tuner_of
from cvit_bench.models.loading import LoadedBase
from cvit_bench.records.base import Record
from cvit_bench.records.training import TrainingBudget
from cvit_bench.train.examples import Draw, Example
from cvit_bench.train.optimizing import Named, learning
from cvit_bench.train.processes import Processes

Tensors = dict[str, torch.Tensor]


@dataclass
class LiveStage:
    """One stage with its model.

    Attributes:
        past: the tasks of the stages it goes on from, in their order.
        seed: of this stage alone, for whatever a hook draws.
        examples: what the stage's own tasks give to learn.
        examples_of: reads the examples of any task of the suite.
        weights: what learns, by name.
    """

    name: str
    tasks: tuple[str, ...]
    past: tuple[str, ...]
    seed: str
    adapted: Any
    base: LoadedBase
    projector: str
    budget: TrainingBudget
    examples: Sequence[Example]
    examples_of: Callable[[str], Sequence[Example]]
    num_steps: int
    processes: Processes = field(default_factory=Processes)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    weights: Named = field(init=False)

    def __post_init__(self) -> None:
        self.weights = learning(self.adapted)

    @property
    def tuner(self) -> RoutedModel | None:
        """The tuner of a routed adapter."""
        return tuner_of(self.adapted)

    @property
    def epoch(self) -> int:
        """How many steps see every example once."""
        return -(-len(self.examples) // self.budget.batch_size)


class Hook:
    """Acts in four moments of every stage; each returns what it has to say.

    A hook is one file of `train/hooks`: `TITLE`, `Config`, `Hook`. What `after_stage` returns is written
    beside the stage's checkpoint and given to `before_stage` of the stages that go on from it. Within a stage
    a hook draws from nothing but the stage's seed and the step, so that a stage resumes anywhere.
    """

    def __init__(self, config: Any) -> None:
        self.config = config

    def before_stage(self, stage: LiveStage, kept: Mapping[str, torch.Tensor]) -> None:
        """Get ready; `kept` is what the hook kept after the stage before, nothing at the first."""

    def samples(self, stage: LiveStage, draw: Draw, step: int) -> Draw:
        """Return what to learn at a step, the whole batch of all processes."""
        return draw

    def penalty(
        self, stage: LiveStage, batch: Mapping[str, torch.Tensor], output: Any
    ) -> torch.Tensor | float:
        """Return what is added to the loss, a mean over the samples of this batch [B, L]."""
        return 0.0

    def after_stage(self, stage: LiveStage) -> Tensors:
        """Return what to keep for later stages; called by every process, the same result in each."""
        return {}


class HookConfig(Record):
    """Settings of a hook; `--set hooks.NAME.KEY=…` overrides."""


def kept_file(folder: Path, hook: str) -> Path:
    """Return where a stage folder keeps what a hook returned."""
    return folder / f"hook-{hook}.safetensors"
