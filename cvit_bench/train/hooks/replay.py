"""Experience replay: part of every batch comes from a small memory of each earlier task.

Chaudhry et al., 2019 (arXiv 1902.10486): a reservoir of `per_task` samples of every finished task, drawn
when the task ends (all of its samples have passed by then, so a reservoir is a uniform draw). `share` of
each batch is replayed, all earlier tasks alike; batch size and steps stay: nothing is trained longer for it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import torch
from pydantic import Field

from cvit_bench.train.examples import Draw, Example
from cvit_bench.train.live_stage import Hook as BaseHook
from cvit_bench.train.live_stage import HookConfig, LiveStage, Tensors

TITLE = "Experience replay"


class Config(HookConfig):
    """Settings."""

    per_task: int = Field(default=100, ge=1, description="samples kept of every task")
    share: float = Field(default=0.5, gt=0, lt=1, description="of a batch, once there is something to replay")


class Hook(BaseHook):
    """Keeps the positions of remembered samples in the train data of their task, `memory/TASK`."""

    def before_stage(self, stage: LiveStage, kept: Mapping[str, torch.Tensor]) -> None:
        """Read the remembered samples again."""
        self.kept = dict(kept)
        self.memory: list[Example] = []
        for name, positions in kept.items():
            examples = stage.examples_of(name.removeprefix("memory/"))
            self.memory += [examples[at] for at in positions.tolist()]

    def samples(self, stage: LiveStage, draw: Draw, step: int) -> Draw:
        """Replace the last samples of a batch by remembered ones."""
        count = round(self.config.share * len(draw.prompts)) if self.memory else 0
        if not count:
            return draw
        generator = random.Random(f"{stage.seed}/replay/{step}")
        seen = [generator.choice(self.memory) for _ in range(count)]
        answers = [generator.choice(example.answers) for example in seen]
        new = len(draw.prompts) - count
        return Draw(
            [*draw.prompts[:new], *(example.prompt for example in seen)], [*draw.answers[:new], *answers]
        )

    def after_stage(self, stage: LiveStage) -> Tensors:
        """Draw what to remember of the stage's tasks."""
        generator = random.Random(f"{stage.seed}/memory")
        for task in stage.tasks:
            num = len(stage.examples_of(task))
            positions = sorted(generator.sample(range(num), min(num, self.config.per_task)))
            self.kept[f"memory/{task}"] = torch.tensor(positions)
        return dict(self.kept)
