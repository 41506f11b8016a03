"""`cvit-bench train`: tune a method over a suite and write a run directory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import DataRoot, Device, Dtype, Limit, Threads, placement_of

if TYPE_CHECKING:
    from cvit_bench.records.manifest import Manifest


def train(
    method: Annotated[str, typer.Option("--method", help="A method's name, or the path of its yaml.")],
    suite: Annotated[str, typer.Option("--suite", help="A suite's name, or the path of its yaml.")] = "mini",
    base: Annotated[str | None, typer.Option("--base", help="Folder or hub id of the base model.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="Where to write (default runs/METHOD).")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of initial weights, order and wordings.")] = 0,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="The method's own settings, such as paper or released.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value, such as training.steps=50.")
    ] = None,
    hook: Annotated[
        list[str] | None, typer.Option("--hook", help="Add replay, ewc or lwf to the method; repeatable.")
    ] = None,
    track: Annotated[
        list[str] | None, typer.Option("--track", help="Show steps in tensorboard or wandb too; repeatable.")
    ] = None,
    limit: Limit = None,
    holdout: Annotated[
        float, typer.Option("--holdout", help="Share of the train samples to leave out, such as 0.2.")
    ] = 0.0,
    stages: Annotated[
        int | None, typer.Option("--stages", help="Only the suite's first N train tasks.")
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="What pages call the run (default: the method's title).")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Discard finished stages and train anew.")] = False,
    data_root: DataRoot = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = 1,
) -> None:
    """Tune a method on task after task; a call that was interrupted goes on from its last save.

    Several processes share every batch: torchrun --nproc-per-node N -m cvit_bench train …
    """
    target = run_dir or Path("runs") / Path(method).stem
    manifest = run_training(
        method, suite, target, base=base, seed=seed, overrides=set_ or [], recipe=recipe, hooks=hook or [],
        track=track or [], limit=limit, holdout=holdout, stages=stages, title=title, fresh=fresh,
        data_root=data_root, device=device, dtype=dtype, threads=threads,
    )  # fmt: skip
    if manifest is not None:
        print(f"{target / 'manifest.json'}: {len(manifest.stages)} stages")


def run_training(
    method: str,
    suite: str,
    run_dir: Path,
    *,
    base: str | None = None,
    seed: int = 0,
    overrides: list[str] | None = None,
    recipe: str | None = None,
    hooks: Sequence[str] = (),
    track: Sequence[str] = (),
    limit: int | None = None,
    holdout: float = 0.0,
    stages: int | None = None,
    title: str | None = None,
    fresh: bool = False,
    data_root: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    threads: int = 1,
) -> "Manifest | None":
    """Resolve names and settings and train; only the first of several processes returns the manifest."""
    from cvit_bench.data.library import open_suite
    from cvit_bench.progress import silence
    from cvit_bench.records.manifest import BaseModelRef
    from cvit_bench.records.method import load_method
    from cvit_bench.train.processes import join_processes
    from cvit_bench.train.run import TrainRun
    from cvit_bench.train.settings import resolve

    library, found = open_suite(suite)
    chosen = load_method(method).with_hooks(hooks)
    if title is not None:
        chosen = chosen.model_copy(update={"title": title})
    settings = resolve(chosen, found, overrides or [], seed, limit, recipe).on_part(found, holdout, stages)
    learned = found.shortened(settings.stages)
    reference = BaseModelRef(path=base or found.base)
    placement = placement_of(device, dtype, threads)
    processes, placed = join_processes(placement.device)
    placement = replace(placement, device=placed)
    if not processes.is_first:
        silence()
    spec = str(Path(suite).resolve()) if suite.endswith(".yaml") else suite
    run = TrainRun(
        run_dir, library, learned, chosen, settings, reference, spec, placement, data_root, processes, track
    )
    manifest = run.train(fresh)
    return manifest if processes.is_first else None
