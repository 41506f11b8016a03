"""BranchLoRA: one shared A, many branches B, a router for each task, branches frozen after use.

Zhang et al., 2025 (arXiv 2506.02041). An independent implementation from secondary descriptions: what they
leave undefined is a named setting below. For one adapted linear layer W and a sample of task t:

    p   = softmax(R_t x_1)                    x_1: the layer's input at the sample's first real token
    S   = the k largest of p,  w_n = p_n      (`gate_norm: renorm`: softmax over S)
    y_j = W x_j + s · Σ_{n in S} w_n · B_n A x_j

After a task the k branches that it used most are frozen: they get no update, and stay selectable. Which
router a sample takes is decided by task keys (`selector.py`), or given (oracle).

In a causal decoder the first token sees nothing but itself, so p is one constant a layer and task: a task
folds into a LoRA of A's rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import nn
from typing_extensions import Self

from cvit_bench.adapters.branches import (
    Branch,
    StageUsage,
    TaskRouter,
    by_sample,
    open_branches,
    padded,
    up_each,
)
from cvit_bench.adapters.core import (
    GateNorm,
    History,
    Place,
    RoutedUpdate,
    down,
    empty,
    first,
    logits,
    per_position,
    pooled,
    start_down,
    top_k_gates,
    up,
)
from cvit_bench.adapters.freezing import FreezeScope, FreezeStat, branches_to_freeze
from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.selector import SelectorConfig
from cvit_bench.adapters.sites import AdapterConfig
from cvit_bench.errors import CvitBenchError
from cvit_bench.progress import say

TITLE = "BranchLoRA"


class Config(AdapterConfig, SelectorConfig):
    """Settings. What the sources leave undefined has the default that fits their counts or their ancestor."""

    PARTS: ClassVar = "num_branches"

    projector: Literal["adapt", "train", "frozen"] = "train"
    per_task_projector: bool = False
    num_branches: int = Field(default=8, ge=1, description="the shared A has rank/num_branches")
    top_k: int = Field(default=2, ge=1)
    gate_norm: GateNorm = "mask"
    router_input: Literal["first", "mean", "token"] = "first"
    router_init: Literal["normal", "previous", "zeros"] = "normal"
    router_noise: float = Field(default=0.0, ge=0, description="standard deviation, in training only")
    frozen_routes: Literal["allow", "avoid", "penalise"] = "allow"
    frozen_penalty: float = Field(default=0.01, ge=0, description="weight of the mass on frozen branches")
    freeze_stat: FreezeStat = "count"
    freeze_scope: FreezeScope = "linear"
    freeze_new_only: bool = False
    usage_window: Literal["last_epoch", "stage"] = "last_epoch"
    on_exhausted: Literal["reuse", "grow", "error"] = "reuse"
    freeze_a_after: int | None = Field(default=None, ge=1, description="tasks after which A stays as it is")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.top_k > self.num_branches:
            raise ValueError(f"top_k: {self.top_k} of {self.num_branches} branches")
        if self.per_task_projector and self.projector != "train":
            raise ValueError("per_task_projector: needs projector: train")
        return self


class Update(RoutedUpdate):
    """One layer: down [rank of A, d], the branches, and a router for each task so far.

    `frozen_only` says, after a stage, that its tasks used only branches frozen before.
    """

    prefix_shareable = True

    branches: Sequence[Branch]
    tasks: Sequence[TaskRouter]

    def __init__(self, place: Place, config: Config, history: History) -> None:
        super().__init__(place)
        self.config = config
        self.down = empty(config.part_rank, place.width_in)
        widths = history.branches or (config.num_branches,)
        branches = [Branch(place.width_out, config.part_rank) for _ in range(widths[-1])]
        self.branches = nn.ModuleList(branches)  # type: ignore[assignment]
        self.tasks = nn.ModuleList(TaskRouter(n, place.width_in) for n in widths)  # type: ignore[assignment]
        self._first_open = 0
        self._usage = StageUsage()
        self.frozen_only = False

    def start(self, routers: torch.Generator | None) -> None:
        """Initialise: A by `a_init`, all B = 0, routers by `router_init`."""
        start_down(self.down, self.config.a_init)
        for branch in self.branches:
            nn.init.zeros_(branch.up)
        for task in self.tasks:
            if self.config.router_init == "zeros":
                nn.init.zeros_(task.router)
            else:
                nn.init.normal_(task.router, std=0.02, generator=routers)

    @property
    def frozen(self) -> torch.Tensor:
        """Which branches are frozen, bool [N]."""
        return torch.stack([branch.frozen for branch in self.branches])

    @classmethod
    def next_history(
        cls, config: Config, past: History, state: Mapping[str, torch.Tensor], tasks: Sequence[str]
    ) -> History:
        """Return the history with the new tasks; more branches where a layer has none left and may grow."""
        if config.router_init == "zeros":
            say("adapter.router_init: zeros: all scores tie, so every layer starts with its first branches")
        count = past.branches[-1] if past.branches else config.num_branches
        spent = [name for name, open_ in open_branches(state).items() if open_ == 0]
        if spent and config.on_exhausted == "error":
            raise CvitBenchError(
                f"adapter.on_exhausted: error: all {count} branches of {len(spent)} layers are frozen "
                f"({spent[0]} among them); reuse or grow go on"
            )
        if spent:
            say(f"all branches of {len(spent)} layers are frozen: {config.on_exhausted}")
            count += config.top_k if config.on_exhausted == "grow" else 0
        again = [task for task in tasks if task in past.tasks]
        if again:
            raise CvitBenchError(f"task {again[0]!r} has a router already: a task is learned once")
        return History((*past.tasks, *tasks), (*past.branches, *[count] * len(tasks)))

    def begin(self, num_tasks_before: int) -> None:
        """Open the new tasks' routers; what they start from and may choose depends on the settings."""
        self._first_open = num_tasks_before
        self._usage.begin()
        frozen = self.frozen
        for task in self.tasks[num_tasks_before:]:
            if self.config.router_init == "previous" and num_tasks_before:
                old = self.tasks[num_tasks_before - 1].router
                with torch.no_grad():
                    task.router[: len(old)] = old
            if self.config.frozen_routes == "avoid" and not bool(frozen.all()):
                task.closed.copy_(frozen)

    def keep_fixed(self) -> None:
        """Take gradients from frozen branches, earlier routers, and A once it stays as it is."""
        for branch in self.branches:
            branch.up.requires_grad_(not bool(branch.frozen))
        for number, task in enumerate(self.tasks):
            task.router.requires_grad_(number >= self._first_open)
        until = self.config.freeze_a_after
        self.down.requires_grad_(until is None or self._first_open < until)

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return output + s · Σ_n w_n B_n A x; for long inputs each sample's Σ_n w_n B_n is made first."""
        gates, scale = self._gates(x, routing), self.config.scale
        h = down(x, self.down, self.config.dropout, self.training)
        ups: list[torch.Tensor] = [branch.up for branch in self.branches]
        if not self._by_token:
            if self.modality == "text" and x.shape[1] >= len(ups):
                gates = gates.to(ups[0].dtype) * scale
                return up_each(output, h, torch.einsum("bn,nor->bor", gates, torch.stack(ups)))
            gates = per_position(gates, x, routing, self.modality)
        h = (gates * scale).to(h.dtype).unsqueeze(-1) * h.unsqueeze(-2)
        return up(output, h.flatten(-2), self.made_of("ups", ups, routing, lambda: torch.cat(ups, 1)))

    def _all_routers(self) -> torch.Tensor:
        """Return the routers of all tasks, [T · N, d]."""
        return torch.cat([padded(task.router, len(self.branches), 0.0) for task in self.tasks])

    def _all_closed(self) -> torch.Tensor | None:
        """Return which branches each task never takes, bool [T, N]; None where all are open to all."""
        closed = torch.stack([padded(task.closed, len(self.branches), True) for task in self.tasks])
        return closed if bool(closed.any()) else None

    @property
    def _by_token(self) -> bool:
        return self.config.router_input == "token"

    def _gates(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return w: [B, N], fixed at prefill, or [..., N] where every token is routed."""
        place = (self.layer, "gates")
        if routing.decoding and not self._by_token and place in routing.kept:
            return routing.kept[place]
        scores = self._scores(x, routing)
        if self.training and self.config.router_noise:
            scores = scores + self.config.router_noise * torch.randn_like(scores)
        gates = top_k_gates(scores, self.config.top_k, self.config.gate_norm)
        if not routing.decoding and not self._by_token:
            routing.kept[place] = gates
        if self.training or (routing.recorder is not None and not routing.decoding):
            self._take_note(gates, routing)
        return gates

    def _scores(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return each sample's (or token's) scores by the router of its task, float32 [..., N]."""
        tasks, source = routing.task_rows(), x
        if self._by_token:
            spread = per_position(tasks.unsqueeze(1), x, routing, self.modality)
            tasks = spread.squeeze(-1).expand(x.shape[:-1])
        elif self.config.router_input == "mean":
            source = pooled(x, routing, self.modality, "prompt")
        else:
            source = first(x, routing, self.modality)
        routers = self.made_of("routers", [task.router for task in self.tasks], routing, self._all_routers)
        scores = logits(source, routers).view(*source.shape[:-1], len(self.tasks), len(self.branches))
        at = tasks.view(*tasks.shape, 1, 1).expand(*tasks.shape, 1, len(self.branches))
        scores = scores.gather(-2, at).squeeze(-2)
        closed = self.prepared.get("closed", [task.closed for task in self.tasks], self._all_closed)
        return scores if closed is None else scores.masked_fill(closed[tasks], float("-inf"))

    def _take_note(self, gates: torch.Tensor, routing: Routing) -> None:
        """Record routes; in training add to usage, once a pass, and the penalty on frozen branches."""
        mass, used = by_sample(gates, routing, self.modality, self._by_token)
        if routing.recorder is not None and not routing.decoding:
            routing.recorder.record(self.layer, "gates", mass)
        if not self.training:
            return
        cost = self._frozen_cost(mass, routing) if self.config.frozen_routes == "penalise" else None
        if not self.runs_first(routing):
            return
        if cost is not None:
            routing.extra_loss.append(cost)
        if routing.counts_usage:
            self._usage.add(used, mass, routing.task_rows(), len(self.tasks))

    def _frozen_cost(self, mass: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return what the gates [B, N] of samples cost for their mean mass on frozen branches."""
        if not torch.is_grad_enabled():
            raise CvitBenchError(
                "adapter.frozen_routes: penalise: has no gradient under re-entrant checkpointing; "
                "use_reentrant=False has one"
            )
        flags = [branch.frozen for branch in self.branches]
        frozen = self.prepared.get("frozen", flags, lambda: self.frozen.nonzero().flatten())
        on_frozen = mass[:, frozen].sum(-1)
        count = len(mass) if self.modality == "text" else routing.with_picture.sum().clamp(min=1)
        return self.config.frozen_penalty * on_frozen.sum() / count

    def running_state(self) -> dict[str, torch.Tensor]:
        """Return the usage of the stage so far."""
        return self._usage.running_state()

    def resume_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on counting from there."""
        self._usage.resume_state(state)

    @classmethod
    def close_stage(cls, updates: Mapping[str, Self]) -> None:
        """Sum usage over processes, keep it with the routers, and freeze the branches used most."""
        one = next(iter(updates.values()))
        config, first_open = one.config, one._first_open
        tables = {}
        for name, update in updates.items():
            update._usage.settle(update.tasks, first_open)
            counts = update.total("counts", first_open)
            tables[name] = (counts, update.total("mass", first_open), update.frozen)
            update.frozen_only = bool(update.frozen[counts > 0].all()) and bool((counts > 0).any())
        wanted = branches_to_freeze(
            tables, config.top_k, config.freeze_stat, config.freeze_scope, config.freeze_new_only
        )
        for name, branches in wanted.items():
            for branch in branches:
                updates[name].branches[branch].frozen.fill_(True)
            updates[name].keep_fixed()

    def total(self, what: Literal["counts", "mass"], first_task: int) -> torch.Tensor:
        """Return the sum of a usage statistic over the tasks from `first_task` on, float64 [N]."""
        rows = [padded(getattr(task, what), len(self.branches), 0) for task in self.tasks[first_task:]]
        return torch.stack(rows).double().sum(0)
