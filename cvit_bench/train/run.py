"""Train a suite: stage after stage, each saved when it is done, the manifest last."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cvit_bench.data.library import Library
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Placement
from cvit_bench.models.folders import adapter_sha256, base_folder, base_sha256, public_name
from cvit_bench.progress import metered, say
from cvit_bench.records.base import Name
from cvit_bench.records.files import sha256_json
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import (
    MANIFEST,
    BaseModelRef,
    Manifest,
    Stage,
    TaskIdentity,
    load_manifest,
)
from cvit_bench.records.method import Method
from cvit_bench.records.routing import ROUTES, ROUTING
from cvit_bench.records.suite import Suite
from cvit_bench.records.versions import package_versions
from cvit_bench.train.examples import Example, draw_batches, examples_sha256, load_examples
from cvit_bench.train.schedules import StagePlan, plan_stages
from cvit_bench.train.settings import TrainSettings
from cvit_bench.train.stage_files import (
    TRAINING,
    StageTraining,
    finished_stage,
    remove_stages,
    stage_folder,
)


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
    loaded: Any = None

    def train(self, fresh: bool = False) -> Manifest:
        """Train what is not trained yet and write the manifest; a finished stage is kept as it is."""
        run_name(self.run_dir)
        folder = base_folder(self.base, self.run_dir)
        base = self.base.model_copy(update={"sha256": base_sha256(folder)})
        if fresh:
            (self.run_dir / MANIFEST).unlink(missing_ok=True)
            remove_stages(self.run_dir)
        self._refuse_another_run()
        stages: list[Stage] = []
        for plan in plan_stages(self.method.schedule, self.suite.train):
            stages.append(self._stage(plan, folder, base))
        manifest = self._manifest(base, stages)
        save_json(self.run_dir / MANIFEST, manifest)
        return manifest

    def _refuse_another_run(self) -> None:
        """Raise when the folder holds the manifest of a run with other settings, or one written by hand."""
        path = self.run_dir / MANIFEST
        if path.exists() and load_manifest(self.run_dir).config != self.settings.model_dump(mode="json"):
            raise CvitBenchError(
                f"{path}: is the manifest of another run; --fresh trains anew, another --run-dir keeps both"
            )

    def _stage(self, plan: StagePlan, folder: Path, base: BaseModelRef) -> Stage:
        settings = self.settings
        examples = load_examples(
            self.library, plan.tasks, settings.templates, settings.seed, self.data_root, settings.limit,
            holdout=settings.holdout,
        )  # fmt: skip
        data = examples_sha256(examples)
        target = self._folder(plan.name)
        parent = self._folder(plan.parent) if plan.parent else None
        parent_sha = adapter_sha256(parent) if parent else None
        origin = sha256_json([settings.sha256, base.sha256, parent_sha, data, plan.name])
        done = finished_stage(target, origin)
        if done is None:
            done = self._train_stage(plan, folder, base, examples, (origin, data))
        else:
            say(f"{self.run_dir.name} {plan.name}: trained already")
        return _listed(plan, done)

    def _train_stage(
        self,
        plan: StagePlan,
        folder: Path,
        base: BaseModelRef,
        examples: list[Example],
        hashes: tuple[str, str],
    ) -> StageTraining:
        from cvit_bench.adapters.peft_bridge import tuner_of
        from cvit_bench.models.adapter_files import save_adapter
        from cvit_bench.models.family import family_of
        from cvit_bench.train.adapted import StageStart, attach
        from cvit_bench.train.loop import Course, train_stage
        from cvit_bench.train.precision import chosen

        settings, budget = self.settings, self.settings.training
        origin, data = hashes
        loaded = self._loaded(folder)
        seed = int(sha256_json([settings.seed, plan.name])[:8], 16)
        parent = self._folder(plan.parent) if plan.parent else None
        start = StageStart(plan.tasks, seed, str(base.sha256))
        adapted = attach(loaded, family_of(folder).projector, settings, parent, start)
        num_steps = budget.num_steps(len(examples) // plan.num_shares) * plan.num_shares
        draws = draw_batches(examples, budget.batch_size, num_steps, f"{settings.seed}/{plan.name}")
        course = Course(draws, num_steps, math.ceil(len(examples) / budget.batch_size))
        with metered(f"{self.run_dir.name} {plan.name}", num_steps * budget.batch_size) as meter:
            losses = train_stage(adapted, loaded, course, budget, meter)
        tuner = tuner_of(adapted)
        if tuner is not None:
            tuner.close_stage()
        record = StageTraining(
            origin=origin,
            data_sha256=data,
            steps=num_steps,
            samples=len(examples),
            precision=chosen(budget.precision, loaded.device),
            losses=tuple(round(loss, 5) for loss in losses),
        )
        with stage_folder(self._folder(plan.name)) as temporary:
            save_adapter(adapted, temporary, public_name(base), str(base.sha256))
            self._save_routes(adapted, loaded, plan, temporary)
            save_json(temporary / TRAINING, record)
        loaded.model = adapted.unload()
        return record

    def _save_routes(self, adapted: Any, loaded: Any, plan: StagePlan, folder: Path) -> None:
        """Write which way samples of the tasks so far go through a finished stage."""
        from cvit_bench.adapters.peft_bridge import tuner_of
        from cvit_bench.train.watching import WATCHED, watch_stage

        tuner = tuner_of(adapted)
        if tuner is None:
            return
        order = list(self.suite.train)
        seen = plan.tasks if plan.parent is None else order[: order.index(plan.tasks[-1]) + 1]
        settings = self.settings
        prompts = {
            task: [
                example.prompt
                for example in load_examples(
                    self.library, [task], settings.templates, settings.seed, self.data_root, WATCHED
                )
            ]
            for task in seen
        }
        found, table = watch_stage(adapted, tuner, loaded, prompts)
        save_json(folder / ROUTING, found)
        table.to_parquet(folder / ROUTES, index=False)

    def _loaded(self, folder: Path) -> Any:
        from cvit_bench.models.family import family_of
        from cvit_bench.models.loading import load_base

        if not family_of(folder).needs_torch:
            raise CvitBenchError(f"{folder}: a scripted base cannot be trained")
        if self.loaded is None:
            self.loaded = load_base(folder, self.placement)
        return self.loaded

    def _folder(self, name: str) -> Path:
        return self.run_dir / "stages" / name

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


def run_name(run_dir: Path) -> str:
    """Return the name of a run, its folder's; it must be one that other files can carry."""
    name = run_dir.resolve().name
    try:
        return TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise CvitBenchError(
            f"--run-dir {run_dir}: the folder's name {name!r} names the run: "
            "letters, digits, '.', '_' and '-' only"
        ) from error


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
        checkpoint=f"stages/{plan.name}",
        parent=plan.parent,
        steps=done.steps,
        samples=done.samples,
        data_sha256=done.data_sha256,
    )
