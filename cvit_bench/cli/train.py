"""`cvit-bench train`: tune a method over a suite and write a run directory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cvit_bench.cli.options import DataRoot, Device, Dtype, Json, Limit, Threads, placement_of
from cvit_bench.text import visible

if TYPE_CHECKING:
    from cvit_bench.models.family import Placement
    from cvit_bench.records.manifest import Manifest
    from cvit_bench.records.recipe import ChosenRecipe
    from cvit_bench.records.training_plan import TrainingPlan
    from cvit_bench.train.processes import Processes
    from cvit_bench.train.run import TrainRun


@dataclass(frozen=True)
class TrainOptions:
    """What a training run may be told beyond method, suite and folder; the defaults of the command line."""

    base: str | None = None
    seed: int = 0
    recipe: str | None = None
    overrides: Sequence[str] = ()
    hooks: Sequence[str] = ()
    track: Sequence[str] = ()
    shard: bool = False
    limit: int | None = None
    holdout: float = 0.0
    stages: int | None = None
    few_shot: bool = True
    few_shot_base: bool = False
    title: str | None = None
    data_root: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    threads: int = 1

    @property
    def placement(self) -> "Placement":
        """Where and how the model computes."""
        return placement_of(self.device, self.dtype, self.threads)


def train(
    method: Annotated[str, typer.Option("--method", help="A method's name, or the path of its yaml.")],
    suite: Annotated[str, typer.Option("--suite", help="A suite's name, or the path of its yaml.")] = "mini",
    base: Annotated[str | None, typer.Option("--base", help="Folder, hub id or embedded:mini.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="Where to write (default runs/METHOD).")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**63 - 1, help="Seed of initial weights, order and wordings.")
    ] = 0,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Published settings, such as cvit-released or coin.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.key=value, such as training.steps=50; repeatable."),
    ] = None,
    hook: Annotated[
        list[str] | None, typer.Option("--hook", help="Add replay, ewc or lwf to the method; repeatable.")
    ] = None,
    track: Annotated[
        list[str] | None, typer.Option("--track", help="Show steps in tensorboard or wandb too; repeatable.")
    ] = None,
    shard: Annotated[
        bool,
        typer.Option("--shard", help="Spread a base too large for one device over all processes (FSDP)."),
    ] = False,
    limit: Limit = None,
    holdout: Annotated[
        float, typer.Option("--holdout", help="Share of the train samples to leave out, such as 0.2.")
    ] = 0.0,
    stages: Annotated[
        int | None, typer.Option("--stages", help="Only the suite's first N train tasks.")
    ] = None,
    few_shot: Annotated[
        bool, typer.Option(help="Whether to tune the last checkpoint on the suite's few-shot tasks.")
    ] = True,
    few_shot_base: Annotated[
        bool,
        typer.Option(
            "--few-shot-base", help="Tune the untouched base on them too, to see what the sequence added."
        ),
    ] = False,
    title: Annotated[
        str | None, typer.Option("--title", help="What pages call the run (default: the method's title).")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Discard finished stages and train anew.")] = False,
    data_root: DataRoot = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = 1,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be done: steps, weights, memory, data.")
    ] = False,
    json: Json = False,
) -> None:
    """Tune a method on task after task.

    A call that was interrupted goes on from its last save. Several processes share every batch:
    torchrun --nproc-per-node N -m cvit_bench train …
    """
    target = run_dir or Path("runs") / Path(method).stem
    options = TrainOptions(
        base, seed, recipe, set_ or [], hook or [], track or [], shard, limit, holdout, stages,
        few_shot, few_shot_base, title, data_root, device, dtype, threads,
    )  # fmt: skip
    if plan:
        from cvit_bench.cli.train_plan import plan_text

        found = _plan(method, suite, target, options)
        print(found.model_dump_json(indent=1) if json else visible(plan_text(found)))
        return
    manifest = _train(method, suite, target, options, fresh)
    if manifest is not None:
        said = f"{target / 'manifest.json'}: {len(manifest.stages)} stage{'s' * (len(manifest.stages) != 1)}"
        print(manifest.model_dump_json(indent=1) if json else said)


def run_training(
    method: str, suite: str, run_dir: Path, *, fresh: bool = False, **options: Any
) -> "Manifest | None":
    """Train a method on a suite; `options` are those of TrainOptions.

    Of several processes only the first returns the manifest.
    """
    return _train(method, suite, run_dir, TrainOptions(**options), fresh)


def _train(method: str, suite: str, run_dir: Path, options: TrainOptions, fresh: bool) -> "Manifest | None":
    from cvit_bench.progress import silence
    from cvit_bench.train.processes import join_processes

    placement = options.placement
    processes, device = join_processes(placement.device)
    if not processes.is_first:
        silence()
    placement = replace(placement, device=device)
    run, _ = _resolved(method, suite, run_dir, options, placement, processes)
    manifest = run.train(fresh)
    return manifest if processes.is_first else None


def _plan(method: str, suite: str, run_dir: Path, options: TrainOptions) -> "TrainingPlan":
    from cvit_bench.train.dry_run import DryRun
    from cvit_bench.train.processes import Processes

    return DryRun(*_resolved(method, suite, run_dir, options, options.placement, Processes())).plan()


def _resolved(
    method: str,
    suite: str,
    run_dir: Path,
    options: TrainOptions,
    placement: "Placement",
    processes: "Processes",
) -> "tuple[TrainRun, ChosenRecipe]":
    """Return the run that words ask for, and the recipe; the recipe's base stands in for one not named."""
    from cvit_bench.data.library import open_suite
    from cvit_bench.records.manifest import BaseModelRef
    from cvit_bench.records.method import load_method
    from cvit_bench.records.recipe import find_recipe
    from cvit_bench.train.run import TrainRun
    from cvit_bench.train.settings import resolve

    library, found = open_suite(suite)
    found = found if options.few_shot else found.model_copy(update={"few_shot": {}})
    chosen = load_method(method).with_hooks(options.hooks)
    if options.title is not None:
        chosen = chosen.model_copy(update={"title": options.title})
    settings = resolve(chosen, found, options.overrides, options.seed, options.limit, options.recipe)
    settings = settings.on_part(found, options.holdout, options.stages)
    published = find_recipe(chosen, options.recipe)
    base = BaseModelRef(path=options.base or published.base or found.base)
    spec = str(Path(suite).resolve()) if suite.endswith(".yaml") else suite
    run = TrainRun(
        run_dir, library, found.shortened(settings.stages), chosen, settings, base, spec, placement,
        options.data_root, processes, options.track, options.shard, options.few_shot_base,
    )  # fmt: skip
    return run, published
