"""Train a suite: stage after stage, each saved when it is done, the manifest last."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cvit_bench.data.library import Library
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Placement
from cvit_bench.models.folders import adapter_sha256, base_folder, base_sha256, public_name
from cvit_bench.progress import say
from cvit_bench.records.files import sha256_json
from cvit_bench.records.load import save_json
from cvit_bench.records.lock import at_work
from cvit_bench.records.manifest import (
    MANIFEST,
    STAGES,
    BaseModelRef,
    Manifest,
    Stage,
    TaskIdentity,
    load_manifest,
)
from cvit_bench.records.method import Method
from cvit_bench.records.named import run_name
from cvit_bench.records.suite import Suite
from cvit_bench.records.versions import package_versions
from cvit_bench.train.examples import Example, examples_sha256, first_of_each, load_examples
from cvit_bench.train.processes import Processes
from cvit_bench.train.schedules import StagePlan, plan_stages
from cvit_bench.train.settings import TrainSettings, changing_weights
from cvit_bench.train.stage_files import StageTraining, finished_stage, remove_stages, remove_stops


@dataclass
class TrainRun:
    """One training run: what is asked for, where it goes, and the base once it is loaded."""

    run_dir: Path
    library: Library
    suite: Suite
    method: Method
    settings: TrainSettings
    base: BaseModelRef
    suite_spec: str
    placement: Placement
    data_root: Path | None = None
    processes: Processes = field(default_factory=Processes)
    trackers: Sequence[str] = ()
    shard: bool = False
    few_shot_base: bool = False
    loaded: Any = None
    _read: dict[str, list[Example]] = field(default_factory=dict)
    _open: list[Any] = field(default_factory=list)

    def train(self, fresh: bool = False) -> Manifest:
        """Train what is not trained yet and write the manifest; a finished stage is kept as it is."""
        run_name(self.run_dir)
        folder = base_folder(self.base, self.run_dir)
        base = self.base.model_copy(update={"sha256": base_sha256(folder)})
        with at_work(self.run_dir, "train") if self.processes.is_first else nullcontext():
            return self._train_all(folder, base, fresh)

    def _train_all(self, folder: Path, base: BaseModelRef, fresh: bool) -> Manifest:
        if fresh and self.processes.is_first:
            (self.run_dir / MANIFEST).unlink(missing_ok=True)
            remove_stages(self.run_dir)
        self.processes.wait()
        self._refuse_another_run()
        plans = self.stage_plans()
        self._check_instructions(plans)
        stages: list[Stage] = []
        offset = 0
        for plan in plans:
            stages.append(self._stage(plan, folder, base, offset))
            offset += stages[-1].steps or 0
        manifest = self._manifest(base, stages)
        if self.processes.is_first:
            save_json(self.run_dir / MANIFEST, manifest)
        return manifest

    def stage_plans(self) -> tuple[StagePlan, ...]:
        """Return the stages to be trained."""
        suite = self.suite
        return plan_stages(self.method.schedule, suite.train, suite.few_shot, self.few_shot_base)

    def _refuse_another_run(self) -> None:
        """Raise when the folder holds the manifest of a run with other settings, or one written by hand."""
        path = self.run_dir / MANIFEST
        if not path.exists():
            return
        theirs, ours = load_manifest(self.run_dir).config, self.settings.model_dump(mode="json")
        if changing_weights(theirs) != changing_weights(ours):
            raise CvitBenchError(
                f"{path}: is the manifest of another run; --fresh trains anew, another --run-dir keeps both"
            )

    def _check_instructions(self, plans: Sequence[StagePlan]) -> None:
        """Raise before the first stage where a router could not be told an instruction of a later one."""
        from cvit_bench.models.conditioning import check_instructions
        from cvit_bench.train.adapted import adapter_settings

        if plans:
            prompts = (example.prompt for plan in plans for example in self._examples(plan))
            check_instructions(adapter_settings(self.settings), prompts)

    def _stage(self, plan: StagePlan, folder: Path, base: BaseModelRef, offset: int) -> Stage:
        examples = self._examples(plan)
        data = examples_sha256(examples)
        target = self._folder(plan.name)
        parent_sha = adapter_sha256(self._folder(plan.parent)) if plan.parent else None
        origin = sha256_json([self.settings.sha256, base.sha256, parent_sha, data, plan.name])
        done = finished_stage(target, origin)
        if done is None:
            done = self._train_stage(plan, folder, base, examples, (origin, data), offset)
        else:
            say(f"{self.run_dir.name} {plan.name}: trained already")
            if self.processes.is_first:
                remove_stops(target)  # a kill may have come before they were
        return _listed(plan, done)

    def _examples(self, plan: StagePlan) -> list[Example]:
        found = [example for task in plan.tasks for example in self.examples_of(task)]
        return found if plan.shots is None else first_of_each(found, plan.shots)

    def examples_of(self, task: str) -> list[Example]:
        """Return the train examples of a task of the suite, worded."""
        if task not in self._read:
            settings = self.settings
            self._read[task] = load_examples(
                self.library, [task], settings.templates, settings.seed, self.data_root, settings.limit,
                holdout=settings.holdout,
            )  # fmt: skip
        return self._read[task]

    def _train_stage(
        self,
        plan: StagePlan,
        folder: Path,
        base: BaseModelRef,
        examples: list[Example],
        hashes: tuple[str, str],
        offset: int,
    ) -> StageTraining:
        from cvit_bench.models.family import family_of
        from cvit_bench.train.stage_run import BaseInfo, StageRun
        from cvit_bench.train.step_log import open_trackers

        self.loaded = self.loaded or self._load(folder)
        if self.trackers and not self._open and self.processes.is_first:
            self._open = open_trackers(self.trackers, self.run_dir)
        watched = plan.past + plan.tasks if plan.shots is None else plan.tasks
        projector = family_of(folder).projector
        info = BaseInfo(self.loaded, projector, public_name(base), str(base.sha256))
        stage = StageRun(
            self.run_dir, plan, self.settings, info, examples, self.examples_of, *hashes, watched,
            self.processes, self._open, offset,
        )  # fmt: skip
        return stage.train()

    def _load(self, folder: Path) -> Any:
        from cvit_bench.models.family import family_of
        from cvit_bench.models.loading import load_base
        from cvit_bench.train.attention import suit_attention

        if not family_of(folder).needs_torch:
            raise CvitBenchError(f"{folder}: a scripted base cannot be trained")
        if self.shard:
            from cvit_bench.train.sharding import load_sharded

            return suit_attention(load_sharded(folder, self.placement, self.processes))
        return suit_attention(load_base(folder, self.placement))

    def _folder(self, name: str) -> Path:
        return self.run_dir / STAGES / name

    def _manifest(self, base: BaseModelRef, stages: list[Stage]) -> Manifest:
        settings = self.settings
        return Manifest(
            run=run_name(self.run_dir),
            suite=self.suite_spec,
            suite_version=self.suite.version,
            method=self.method.name,
            title=self.method.title,
            schedule=self.method.schedule,
            seed=settings.seed if stages else None,
            task_identity=_task_identity(self.method, settings),
            templates=settings.templates,
            base=base,
            stages=tuple(stages),
            config=settings.model_dump(mode="json"),
            provenance={"packages": package_versions(), "placement": vars(self.placement)},
        )


def _task_identity(method: Method, settings: TrainSettings) -> TaskIdentity:
    """Return what the method knows of a sample's task at test time; settings may ask for the oracle."""
    config = settings.adapter_config
    if config.get("task_identity") == "oracle" or config.get("instruction_key") == "task_row":
        return "oracle"
    return method.task_identity


def _listed(plan: StagePlan, done: StageTraining) -> Stage:
    return Stage(
        name=plan.name,
        tasks=plan.tasks,
        checkpoint=f"{STAGES}/{plan.name}",
        parent=plan.parent,
        shots=plan.shots,
        from_base=plan.shots is not None and plan.parent is None,
        steps=done.steps,
        samples=done.samples,
        data_sha256=done.data_sha256,
    )
