"""Watch a finished stage: send samples of every task so far through it and note which way they went."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import torch

from cvit_bench.adapters.branchlora import Update as BranchUpdate
from cvit_bench.adapters.peft_bridge import RoutedModel
from cvit_bench.models.conditioning import condition
from cvit_bench.models.inputs import says_where_told
from cvit_bench.models.loading import LoadedBase
from cvit_bench.records.routing import BranchState, StageRouting, TaskRouting
from cvit_bench.records.sample import Prompt

WATCHED = 32
"""Samples of each task."""


class RouteShares:
    """Sums the gates of the samples of one task, by layer and kind of gate."""

    def __init__(self) -> None:
        self.num_samples = 0
        self._sums: dict[tuple[str, str], torch.Tensor] = {}

    def record(self, layer: str, name: str, values: torch.Tensor) -> None:
        """Take chosen experts, long [B], gates, float [B, K], or one weight a sample, float [B]."""
        values = values.detach().cpu()
        rows = values if values.is_floating_point() else torch.nn.functional.one_hot(values)
        total = rows.double().sum(0).reshape(-1)
        old = self._sums.get((layer, name), total.new_zeros(0))
        longer, shorter = (total, old) if len(total) >= len(old) else (old, total)
        longer = longer.clone()
        longer[: len(shorter)] += shorter
        self._sums[layer, name] = longer

    def alpha(self) -> float | None:
        """Return the mean weight of the visual group over layers."""
        found = [sums.item() for (_, name), sums in self._sums.items() if name == "alpha"]
        return sum(found) / len(found) / self.num_samples if found else None

    def rows(self, task: str) -> list[dict[str, Any]]:
        """Return the table's rows of this task; the shares of one layer and gate add up to 1."""
        return [
            {"task": task, "layer": layer, "gate": name, "expert": expert, "share": value}
            for (layer, name), sums in self._sums.items()
            if name != "alpha"
            for expert, value in enumerate((sums / sums.sum().clamp(min=1e-12)).tolist())
        ]


def watch_stage(
    adapted: Any,
    tuner: RoutedModel,
    base: LoadedBase,
    prompts: Mapping[str, Sequence[Prompt]],
    at_once: int | None = None,
) -> tuple[StageRouting, pd.DataFrame]:
    """Return what a finished stage does with samples of each task, and the table of its routes.

    Tasks are told apart as in evaluation: by the selector, or given where the settings ask for the oracle.
    A pass has at most `at_once` samples, as many as the passes of training; None: all of a task.
    """
    adapted.eval()
    tasks, rows = {}, []
    for name, asked in prompts.items():
        shares, selected = _watch_task(adapted, tuner, base, asked, at_once or len(asked))
        tasks[name] = TaskRouting(samples=len(asked), alpha=shares.alpha(), selected=selected)
        rows += shares.rows(name)
    table = pd.DataFrame(rows, columns=["task", "layer", "gate", "expert", "share"])
    return StageRouting(tasks=tasks, branches=branch_state(tuner)), table


@torch.no_grad()
def _watch_task(
    adapted: Any, tuner: RoutedModel, base: LoadedBase, prompts: Sequence[Prompt], at_once: int
) -> tuple[RouteShares, dict[str, int] | None]:
    shares = RouteShares()
    chosen: dict[str, int] = defaultdict(int)
    known = list(tuner.peft_config[tuner.active_adapters[0]].tasks)
    unsaid = {"logits_to_keep": 1} if says_where_told(base.model) else {}  # nobody looks at what it says
    tuner.routing.recorder = shares
    try:
        for start in range(0, len(prompts), at_once):
            part = prompts[start : start + at_once]
            batch = base.encoder.prompts(part)
            condition(adapted, part)
            adapted(**batch, use_cache=False, **unsaid)
            for at in tuner.routing.task_rows().tolist() if tuner.selector is not None else ():
                chosen[known[at]] += 1
    finally:
        tuner.routing.recorder = None
    shares.num_samples = len(prompts)
    return shares, None if tuner.selector is None else dict(chosen)


def branch_state(tuner: RoutedModel) -> BranchState | None:
    """Return the state of the branches over all layers, None for methods without any."""
    layers = [update for update in tuner.updates.values() if isinstance(update, BranchUpdate)]
    if not layers:
        return None
    frozen = torch.cat([update.frozen for update in layers]).float().mean().item()
    return BranchState(
        num_layers=len(layers),
        num_branches=len(layers[0].branches),
        frozen=frozen,
        frozen_only=sum(update.frozen_only for update in layers),
    )
