"""`cvit-bench train`: tune a method over a suite and write a run directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import DataRoot, Device, Dtype, Json, Limit, Threads, placement_of

if TYPE_CHECKING:
    from cvit_bench.models.family import Placement
    from cvit_bench.records.manifest import Manifest
    from cvit_bench.records.recipe import ChosenRecipe
    from cvit_bench.records.training_plan import TrainingPlan
    from cvit_bench.train.run import TrainRun


def train(
    method: Annotated[str, typer.Option("--method", help="A method's name, or the path of its yaml.")],
    suite: Annotated[str, typer.Option("--suite", help="A suite's name, or the path of its yaml.")] = "mini",
    base: Annotated[str | None, typer.Option("--base", help="Folder or hub id of the base model.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="Where to write (default runs/METHOD).")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of initial weights, order and wordings.")] = 0,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Published settings: the method's own, or as `list recipes` names."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value, such as training.steps=50.")
    ] = None,
    limit: Limit = None,
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
    """Tune a method on task after task; a call that was interrupted goes on at the stage it was in."""
    target = run_dir or Path("runs") / Path(method).stem
    if plan:
        from cvit_bench.cli.train_plan import plan_text

        found = plan_training(
            method, suite, target, base=base, seed=seed, overrides=set_ or [], recipe=recipe, limit=limit,
            data_root=data_root, device=device, dtype=dtype,
        )  # fmt: skip
        print(found.model_dump_json(indent=1) if json else plan_text(found))
        return
    manifest = run_training(
        method, suite, target, base=base, seed=seed, overrides=set_ or [], recipe=recipe, limit=limit,
        fresh=fresh, data_root=data_root, device=device, dtype=dtype, threads=threads,
    )  # fmt: skip
    said = f"{target / 'manifest.json'}: {len(manifest.stages)} stages"
    print(manifest.model_dump_json(indent=1) if json else said)


def run_training(
    method: str,
    suite: str,
    run_dir: Path,
    *,
    base: str | None = None,
    seed: int = 0,
    overrides: list[str] | None = None,
    recipe: str | None = None,
    limit: int | None = None,
    fresh: bool = False,
    data_root: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    threads: int = 1,
) -> "Manifest":
    """Resolve names and settings and train."""
    run, _ = _asked(
        method, suite, run_dir, base, seed, overrides, recipe, limit, data_root,
        placement_of(device, dtype, threads),
    )  # fmt: skip
    return run.train(fresh)


def plan_training(
    method: str,
    suite: str,
    run_dir: Path,
    *,
    base: str | None = None,
    seed: int = 0,
    overrides: list[str] | None = None,
    recipe: str | None = None,
    limit: int | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> "TrainingPlan":
    """Resolve names and settings and say what training would do."""
    from cvit_bench.train.dry_run import DryRun

    run, published = _asked(
        method, suite, run_dir, base, seed, overrides, recipe, limit, data_root,
        placement_of(device, dtype, 1),
    )  # fmt: skip
    return DryRun(run, published).plan()


def _asked(
    method: str,
    suite: str,
    run_dir: Path,
    base: str | None,
    seed: int,
    overrides: list[str] | None,
    recipe: str | None,
    limit: int | None,
    data_root: Path | None,
    placement: "Placement",
) -> "tuple[TrainRun, ChosenRecipe]":
    """Return the run that words ask for, and the recipe; the recipe's base stands in for one not named."""
    from cvit_bench.data.library import open_suite
    from cvit_bench.records.manifest import BaseModelRef
    from cvit_bench.records.method import load_method
    from cvit_bench.records.recipe import find_recipe
    from cvit_bench.train.run import TrainRun
    from cvit_bench.train.settings import resolve

    library, found = open_suite(suite)
    chosen = load_method(method)
    settings = resolve(chosen, found, overrides or [], seed, limit, recipe)
    published = find_recipe(chosen, recipe)
    reference = BaseModelRef(path=base or published.base or found.base)
    spec = str(Path(suite).resolve()) if suite.endswith(".yaml") else suite
    run = TrainRun(run_dir, library, found, chosen, settings, reference, spec, placement, data_root)
    return run, published
