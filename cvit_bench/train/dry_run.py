"""`train --plan`: put together what a training would do; no weight is loaded and nothing is written."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cvit_bench.data.samples import load_samples, split_path
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import family_named
from cvit_bench.models.folders import SCRIPT, family_in
from cvit_bench.models.loading import named_device, torch_dtype
from cvit_bench.models.shapes import config_file
from cvit_bench.records.recipe import ChosenRecipe
from cvit_bench.records.training_plan import MemoryEstimate, PlannedSplit, TrainingPlan, WeightCount
from cvit_bench.train.plan import planned_steps, rate_points, total_steps
from cvit_bench.train.plan_memory import Computing, estimate
from cvit_bench.train.plan_weights import Base, base_shapes, count_weights
from cvit_bench.train.precision import chosen
from cvit_bench.train.run import TrainRun
from cvit_bench.train.schedules import StagePlan


@dataclass(frozen=True)
class DryRun:
    """A training as it was asked for, and the recipe that was asked for with it."""

    run: TrainRun
    recipe: ChosenRecipe
    _read: dict[str, Counter[str]] = field(default_factory=dict)

    def plan(self) -> TrainingPlan:
        """Return the plan; raise where data is spoilt or the base's configuration is not to be had."""
        run, settings = self.run, self.run.settings
        stages = run.stage_plans()
        tasks = dict.fromkeys(task for stage in stages for task in stage.tasks)
        data = tuple(self._split(task) for task in tasks)
        steps = planned_steps(stages, self._count, settings.training)
        config = self._config()
        first, last, memory = self._sizes(config, stages)
        return TrainingPlan(
            method=run.method.name,
            title=run.method.title,
            recipe=settings.recipe,
            suite=run.suite.name,
            suite_version=run.suite.version,
            schedule=run.method.schedule,
            base=run.base.path,
            shapes=config.name,
            dtype=run.placement.dtype,
            precision=self._precision,
            adapter=settings.adapter,
            adapter_config=settings.adapter_config,
            hooks=settings.hooks,
            training=settings.training,
            stages=steps,
            steps=total_steps(steps),
            rates=rate_points(steps, settings.training),
            first=first,
            last=last,
            memory=memory,
            data=data,
            departures=self.recipe.departures,
        )

    def _split(self, name: str) -> PlannedSplit:
        """Return what is known of a task's train file."""
        task = self.run.library.task(name)
        path = split_path(task, "train", self.run.data_root)
        return PlannedSplit(
            task=name,
            file=str(path),
            present=path.is_file(),
            samples=self._count(name),
            licence=task.licence,
            citation=task.citation,
        )

    def _count(self, name: str, shots: int | None = None) -> int | None:
        """Return how many samples of a task, or of each of its classes, are trained on; None: not known.

        Of a file that is not here the task's own figures are taken; with a share held out they say nothing.
        """
        task, settings = self.run.library.task(name), self.run.settings
        if split_path(task, "train", self.run.data_root).is_file():
            return sum(min(number, shots or number) for number in self._classes(name).values())
        if shots is not None:
            return shots * len(task.classes) or None
        stated = task.splits["train"].count
        if stated is None or (settings.holdout and "val" not in task.splits):
            return None
        return min(stated, settings.limit or stated)

    def _classes(self, name: str) -> Counter[str]:
        """Return the number of train samples of each class, the first answer, of a file that is here."""
        if name not in self._read:
            run, settings = self.run, self.run.settings
            task = run.library.task(name)
            samples = load_samples(task, "train", run.data_root, settings.limit, settings.holdout)
            self._read[name] = Counter(sample.answers[0] for sample in samples)
        return self._read[name]

    def _config(self) -> Path:
        """Return the base's configuration; a recipe's shapes are those of its own base."""
        run = self.run
        shapes = self.recipe.shapes if run.base.path == self.recipe.base else None
        config = config_file(run.base, run.run_dir, shapes)
        if (config.parent / SCRIPT).is_file() and run.settings.adapter is not None:
            raise CvitBenchError(f"{config.parent}: a scripted base cannot be trained")
        return config

    def _sizes(
        self, config: Path, stages: tuple[StagePlan, ...]
    ) -> tuple[WeightCount | None, WeightCount | None, MemoryEstimate | None]:
        """Return weights at the first and the last stage and memory at the last; None without stages."""
        if not stages:
            return None, None, None
        settings = self.run.settings
        projector = family_named(family_in(config)).projector
        base = Base(config, projector, torch_dtype(self.run.placement.dtype))
        first, last = (count_weights(base, settings, stages, at) for at in (0, len(stages) - 1))
        size = base.dtype.itemsize
        computing = Computing(
            base=size,
            computing=2 if self._precision == "bfloat16" else size,
            dropout=bool(settings.adapter_config.get("dropout")),
            dora=bool(settings.adapter_config.get("dora")),
        )
        memory = estimate(last, base_shapes(base, settings), settings.training, computing)
        return first, last, memory

    @property
    def _precision(self) -> str:
        """What it computes in; a device that is not here counts as one with matrix units."""
        wanted, device = self.run.settings.training.precision, named_device(self.run.placement.device)
        return "bfloat16" if wanted == "auto" and device.type == "cuda" else chosen(wanted, device)
