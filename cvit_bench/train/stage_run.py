"""Train one stage from its parent's checkpoint to its own: adapter, hooks, loop, folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from cvit_bench import plugins
from cvit_bench.models.adapter_files import save_adapter, take_off
from cvit_bench.models.folders import adapter_sha256
from cvit_bench.models.loading import LoadedBase
from cvit_bench.progress import metered
from cvit_bench.records.files import sha256_json
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import STAGES
from cvit_bench.records.routing import ROUTES, ROUTING, StageRouting
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.examples import Example
from cvit_bench.train.live_stage import Hook, LiveStage, Tensors, kept_file
from cvit_bench.train.loop import train_stage
from cvit_bench.train.precision import chosen
from cvit_bench.train.processes import Processes
from cvit_bench.train.schedules import StagePlan
from cvit_bench.train.settings import TrainSettings
from cvit_bench.train.stage_files import TRAINING, StageTraining, remove_stops, stage_folder, stops_folder
from cvit_bench.train.step_log import STEPS, StepLog, Tracker
from cvit_bench.train.stops import StopFiles
from cvit_bench.train.watching import WATCHED, watch_stage

Routes = tuple[StageRouting, pd.DataFrame]
ExamplesOf = Callable[[str], Sequence[Example]]


@dataclass(frozen=True)
class BaseInfo:
    """The loaded base with what its adapters say about it."""

    loaded: LoadedBase
    projector: str
    name: str
    sha256: str


@dataclass(frozen=True)
class StageRun:
    """One stage to be trained.

    Attributes:
        origin: hash of everything the stage is made from; data: hash of its examples.
        watched: the tasks whose samples are sent through a routed adapter at the end.
        offset: optimizer steps of the stages before, for trackers.
    """

    run_dir: Path
    plan: StagePlan
    settings: TrainSettings
    base: BaseInfo
    examples: Sequence[Example]
    examples_of: ExamplesOf
    origin: str
    data: str
    watched: Sequence[str]
    processes: Processes
    trackers: Sequence[Tracker] = ()
    offset: int = 0

    @property
    def folder(self) -> Path:
        """Where the finished stage lies."""
        return self.run_dir / STAGES / self.plan.name

    @property
    def parent(self) -> Path | None:
        """The folder of the stage it goes on from."""
        return self.run_dir / STAGES / self.plan.parent if self.plan.parent else None

    @property
    def num_steps(self) -> int:
        """Optimizer steps of the stage."""
        return self.plan.num_steps(self.settings.training, len(self.examples))

    def train(self) -> StageTraining:
        """Train and save the stage."""
        stops = StopFiles(stops_folder(self.folder), self.origin, self.processes)
        log = StepLog(self._log_path(), self.plan.name, self.offset, self.trackers)
        stage = self._live()
        kept = self._kept_before()
        for name, hook in stage.hooks.items():
            hook.before_stage(stage, kept[name])
        total = self.num_steps * stage.budget.batch_size
        with metered(f"{self.run_dir.name} {self.plan.name}", total) as meter:
            losses = train_stage(stage, meter, log, stops)
        kept = {name: hook.after_stage(stage) for name, hook in stage.hooks.items()}
        if stage.tuner is not None:
            stage.tuner.close_stage()
        record, routes = self._record(losses), self._routes(stage)
        if self.processes.is_first:
            self._save(stage, kept, record, routes)
        self.processes.wait()
        if self.processes.is_first:
            remove_stops(self.folder)
        self.base.loaded.model = take_off(stage.adapted)
        return record

    def _log_path(self) -> Path | None:
        return self.run_dir / STEPS if self.processes.is_first else None

    def _live(self) -> LiveStage:
        seed = int(sha256_json([self.settings.seed, self.plan.name])[:8], 16)
        start = StageStart(self.plan.tasks, seed, self.base.sha256)
        base, settings = self.base, self.settings
        adapted = attach(base.loaded, base.projector, settings, self.parent, start)
        if self.processes.rank:
            torch.manual_seed(seed + self.processes.rank)  # each process drops out elsewhere
        return LiveStage(
            name=self.plan.name,
            tasks=self.plan.tasks,
            past=self.plan.past,
            seed=f"{settings.seed}/{self.plan.name}",
            adapted=adapted,
            base=base.loaded,
            projector=base.projector,
            budget=settings.training,
            examples=self.examples,
            examples_of=self.examples_of,
            num_steps=self.num_steps,
            processes=self.processes,
            hooks={name: make_hook(name, config) for name, config in settings.hooks.items()},
        )

    def _kept_before(self) -> dict[str, Tensors]:
        if self.parent is None:
            return {name: {} for name in self.settings.hooks}
        files = {name: kept_file(self.parent, name) for name in self.settings.hooks}
        return {name: load_file(path) if path.is_file() else {} for name, path in files.items()}

    def _record(self, losses: Sequence[float]) -> StageTraining:
        return StageTraining(
            origin=self.origin,
            data_sha256=self.data,
            steps=self.num_steps,
            samples=len(self.examples),
            precision=chosen(self.settings.training.precision, self.base.loaded.device),
            losses=tuple(round(loss, 5) for loss in losses),
        )

    def _routes(self, stage: LiveStage) -> Routes | None:
        """Return which way samples of the watched tasks go through a routed adapter."""
        if stage.tuner is None:
            return None
        prompts = {
            task: [example.prompt for example in self.examples_of(task)[:WATCHED]] for task in self.watched
        }
        at_once = stage.budget.micro_batch
        return watch_stage(stage.adapted, stage.tuner, self.base.loaded, prompts, at_once)

    def _save(
        self, stage: LiveStage, kept: Mapping[str, Tensors], record: StageTraining, routes: Routes | None
    ) -> None:
        with stage_folder(self.folder) as temporary:
            save_adapter(stage.adapted, temporary, self.base.name, self.base.sha256)
            for name, tensors in kept.items():
                if tensors:
                    on_disk = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
                    save_file(on_disk, kept_file(temporary, name))
            if routes is not None:
                save_json(temporary / ROUTING, routes[0])
                routes[1].to_parquet(temporary / ROUTES, index=False)
            whole = record.model_copy(update={"adapter_sha256": adapter_sha256(temporary)})
            save_json(temporary / TRAINING, whole)


def make_hook(name: str, config: Mapping[str, Any]) -> Hook:
    """Return a hook by name with its settings."""
    module = plugins.load(plugins.HOOKS, name)
    return cast(Hook, module.Hook(module.Config.model_validate(config)))
