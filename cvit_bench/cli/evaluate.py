"""`cvit-bench evaluate`: replay the checkpoints of a run directory and score them."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cvit_bench.cli.options import (
    DataRoot,
    Device,
    Dtype,
    Json,
    Limit,
    References,
    RemoteCode,
    Resampled,
    RunDir,
    Split,
    Threads,
    parse_variants,
    placement_of,
    whole_number,
)
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.choices import (
    AUTO,
    BatchChoice,
    CellChoice,
    Executor,
    Resample,
    SplitChoice,
    TaskChoice,
)
from cvit_bench.text import visible


def evaluate(
    run_dir: RunDir,
    suite: Annotated[str | None, typer.Option("--suite", help="Another suite than the manifest's.")] = None,
    split: Split = SplitChoice.TEST,
    tasks: Annotated[
        TaskChoice | None,
        typer.Option(
            "--tasks", help="Default: all; of a shortened run and for --split val, the trained ones."
        ),
    ] = None,
    cells: Annotated[
        CellChoice,
        typer.Option(
            "--cells", help="Every stage × task; tasks so far, all at the last stage; or that alone."
        ),
    ] = CellChoice.FULL,
    variants: Annotated[str, typer.Option("--variants", help="How many wordings a task, or all.")] = "1",
    per_sample: Annotated[
        int | None,
        typer.Option("--per-sample", min=2, help="Ask each sample in so many of the wordings only."),
    ] = None,
    design_seed: Annotated[
        int | None,
        typer.Option("--design-seed", help="Which wordings --per-sample deals to which sample (default: 0)."),
    ] = None,
    reference: References = None,
    resample: Resampled = Resample.IMAGES,
    reuse: Annotated[
        list[Path] | None,
        typer.Option("--reuse", help="A run to take answers of the same checkpoints from; may be repeated."),
    ] = None,
    limit: Limit = None,
    batch_size: Annotated[
        str, typer.Option("--batch-size", help="Prompts at a time; auto: as many as fit and make it faster.")
    ] = "64",
    one_by_one: Annotated[
        bool,
        typer.Option("--one-by-one", help="Each prompt alone, nothing shared or merged: slow and plain."),
    ] = False,
    no_ranking: Annotated[
        bool,
        typer.Option("--no-ranking", help="Do not rank allowed answers; K is what the answers say then."),
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be done and what it costs, do nothing.")
    ] = False,
    json: Json = False,
    data_root: DataRoot = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = 1,
    processes: Annotated[
        int,
        typer.Option(
            "--processes", min=1, help="Processes of this machine, each on a GPU of its own if any."
        ),
    ] = 1,
    executor: Annotated[
        Executor, typer.Option("--executor", help="local: here; ray: on a Ray cluster, a worker a GPU.")
    ] = Executor.LOCAL,
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="auto, HOST:PORT, … (default: a cluster made here).")
    ] = None,
    trust_remote_code: RemoteCode = False,
) -> None:
    """Answer every stage × task of a run and score it.

    Prints the matrix and the metrics. Answers that are there already are kept.
    """
    from cvit_bench.cli.evaluate_plan import cost_text
    from cvit_bench.evaluate.cost import evaluation_cost
    from cvit_bench.evaluate.sequence import EvaluateOptions
    from cvit_bench.evaluate.sequence import evaluate as replay
    from cvit_bench.report.terminal import results_text

    options = EvaluateOptions(
        suite=suite,
        split=split,
        tasks=tasks,
        cells=cells,
        variants=parse_variants(variants),
        per_sample=per_sample,
        design_seed=design_seed,
        limit=limit,
        batch_size=_batch_size(batch_size),
        placement=replace(placement_of(device, dtype, threads, trust_remote_code), one_by_one=one_by_one),
        data_root=data_root,
        references=tuple(reference or ()),
        reuse=tuple(reuse or ()),
        resample=resample,
        ranking=not no_ranking,
        processes=processes,
        executor=executor,
        ray_address=ray_address,
    )
    if plan:
        cost = evaluation_cost(run_dir, options)
        print(cost.model_dump_json(indent=1) if json else cost_text(cost))
        return
    results = replay(run_dir, options)
    print(results.model_dump_json(indent=1) if json else visible(results_text(results)))


def _batch_size(text: str) -> BatchChoice:
    if text == AUTO:
        return AUTO
    if not whole_number(text):
        raise CvitBenchError(f"--batch-size {text}: expected a number from 1 on, or auto")
    return int(text)
