"""Which task a sample belongs to: a key for each task, compared by cosine with what a sample shows and asks.

BranchLoRA's task keys (E6 to E8). With frozen encoders the loss Σ_i (1 − cos(e_i, k)) has a closed solution,
the mean of the normalised embeddings: `keys: mean` keeps running sums of them. `keys: learned` trains the
keys by that loss instead, averaged over the batch and times `align_weight`.

e^img is the mean vision feature before the projector, e^txt the embedding of the instruction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import nn
from torch.nn.functional import normalize
from typing_extensions import Self

from cvit_bench.adapters.core import empty
from cvit_bench.adapters.prepared import PreparingModule
from cvit_bench.adapters.routing import Routing
from cvit_bench.records.base import Record


class SelectorConfig(Record):
    """Settings of the task keys."""

    keys: Literal["mean", "learned"] = "mean"
    align_weight: float = Field(default=1.0, ge=0, description="weight of the loss of learned keys")
    image_weight: float = Field(default=1.0, ge=0, description="share of the image key in the score")
    text_weight: float = Field(default=1.0, ge=0, description="share of the text key in the score")
    task_identity: Literal["inferred", "oracle"] = "inferred"
    instruction_key: Literal["per_sample", "family_mean", "task_row"] = "per_sample"

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if not self.image_weight + self.text_weight:
            raise ValueError("image_weight, text_weight: one of them must be above 0")
        return self


class TaskKey(nn.Module):
    """k_t: image part [d_v] and text part [d_t], of any length; a running sum or learned."""

    image: torch.Tensor
    text: torch.Tensor

    def __init__(self, widths: tuple[int, int], learned: bool) -> None:
        super().__init__()
        for name, width in zip(("image", "text"), widths, strict=True):
            if learned:
                self.register_parameter(name, empty(width))
            else:
                self.register_buffer(name, torch.zeros(width, dtype=torch.float64))


class TaskSelector(PreparingModule):
    """The keys of all tasks so far."""

    keys: Sequence[TaskKey]

    def __init__(self, config: SelectorConfig, image_width: int, text_width: int, num_tasks: int) -> None:
        super().__init__()
        self.config = config
        widths, learned = (image_width, text_width), config.keys == "learned"
        keys = [TaskKey(widths, learned) for _ in range(num_tasks)]
        self.keys = nn.ModuleList(keys)  # type: ignore[assignment]
        self._first_open = 0
        self._sums: dict[tuple[int, str], torch.Tensor] = {}
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.02)

    @property
    def needs_text(self) -> bool:
        """Whether the score looks at instructions."""
        return self.config.text_weight > 0

    def begin(self, num_tasks_before: int) -> None:
        """Open the keys of the tasks that come now."""
        self._first_open, self._sums = num_tasks_before, {}

    def keep_fixed(self) -> None:
        """Take gradients from the keys of earlier tasks."""
        for number, key in enumerate(self.keys):
            key.requires_grad_(number >= self._first_open)

    def learn(self, routing: Routing) -> None:
        """Take the samples of a training pass into the keys of their tasks; count them where it matters."""
        tasks = routing.task_rows()
        for name, values, here in self._embeddings(routing):
            if self.config.keys == "learned":
                wanted = torch.stack([getattr(key, name) for key in self.keys])[tasks]
                gap = 1 - (normalize(values, dim=-1) * normalize(wanted, dim=-1)).sum(-1)
                routing.extra_loss.append(self.config.align_weight * (gap * here).sum() / len(here))
            else:
                self._add(name, tasks, normalize(values, dim=-1).double() * here.unsqueeze(-1))

    def _add(self, name: str, tasks: torch.Tensor, values: torch.Tensor) -> None:
        sums = values.new_zeros(len(self.keys), values.shape[-1]).index_add(0, tasks, values)
        for number in range(self._first_open, len(self.keys)):
            place = (number, name)
            self._sums[place] = self._sums.get(place, 0.0) + sums[number]

    def running_state(self) -> dict[str, torch.Tensor]:
        """Return the sums of the stage so far, by task number and part."""
        return {f"{number}/{name}": values for (number, name), values in self._sums.items()}

    def resume_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on summing from there."""
        self._sums = {
            (int(key.partition("/")[0]), key.partition("/")[2]): values for key, values in state.items()
        }

    def close_stage(self) -> None:
        """Add what was seen to the keys, summed over processes."""
        if self.config.keys == "learned":
            return
        for number in range(self._first_open, len(self.keys)):
            for name in ("image", "text"):
                key = getattr(self.keys[number], name)
                values = self._sums.get((number, name), torch.zeros_like(key))
                if torch.distributed.is_available() and torch.distributed.is_initialized():
                    torch.distributed.all_reduce(values)
                key.add_(values)
        self._sums = {}

    @torch.no_grad()
    def select(self, routing: Routing) -> torch.Tensor:
        """Return the task with the best score for each sample, long [B]."""
        return self.scores(routing).argmax(-1)

    def scores(self, routing: Routing) -> torch.Tensor:
        """Return the weighted mean of the cosines that a sample has, float32 [B, T]."""
        total = torch.zeros(routing.num_samples, len(self.keys), device=routing.device)
        weight = torch.zeros(routing.num_samples, 1, device=routing.device)
        shares = {"image": self.config.image_weight, "text": self.config.text_weight}
        for name, values, here in self._embeddings(routing):
            keys = [getattr(key, name) for key in self.keys]
            cosines = normalize(values, dim=-1) @ self.prepared.get(name, keys, partial(_directions, keys))
            share = shares[name] * here.unsqueeze(-1)
            total, weight = total + share * cosines, weight + share
        return total / weight.clamp(min=1e-12)

    def _embeddings(self, routing: Routing) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        """Return name, embeddings float32 [B, d] and which samples have one, float32 [B]."""
        found: list[tuple[str, torch.Tensor, torch.Tensor]] = []
        image = routing.image_embeddings
        if self.config.image_weight and image is not None:
            found.append(("image", image.float(), image.abs().sum(-1).gt(0).float()))
        if self.needs_text:
            text = routing.instruction_rows().float()
            found.append(("text", text, torch.ones(len(text), device=text.device)))
        return found


def _directions(keys: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the normalised keys [d] of all tasks as columns, float32 [d, T]."""
    return normalize(torch.stack(list(keys)).float(), dim=-1).t()
