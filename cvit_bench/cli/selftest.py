"""`cvit-bench selftest`: whether the answers of a run depend on how they are computed."""

from typing import Annotated

import typer

from cvit_bench.cli.options import (
    DataRoot,
    Device,
    Dtype,
    Json,
    RunDir,
    Threads,
    parse_variants,
    placement_of,
)
from cvit_bench.text import visible


def selftest(
    run_dir: RunDir,
    limit: Annotated[int, typer.Option("--limit", min=1, help="First N samples of every task.")] = 2,
    variants: Annotated[str, typer.Option("--variants", help="How many wordings a task, or all.")] = "2",
    every_stage: Annotated[
        bool, typer.Option("--every-stage", help="Not only the base and the last stage.")
    ] = False,
    json: Json = False,
    data_root: DataRoot = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = 1,
) -> None:
    """Check that answers do not depend on how they are computed.

    Compares batched answers with single ones, shared beginnings with plain ones, and one load with another;
    exit 1 where they differ.
    """
    from cvit_bench.evaluate.selftest import selftest as run_selftest
    from cvit_bench.evaluate.sequence import EvaluateOptions
    from cvit_bench.records.choices import TaskChoice

    options = EvaluateOptions(
        tasks=TaskChoice.ALL,
        variants=parse_variants(variants),
        limit=limit,
        placement=placement_of(device, dtype, threads),
        data_root=data_root,
    )
    found = run_selftest(run_dir, options, every_stage)
    print(
        found.model_dump_json(indent=1)
        if json
        else f"{'passed' if found.passed else 'FAILED'}: {found.verdict}"
    )
    for check in () if json else found.checks:
        for one in check.examples:
            place = f"{one.stage} {one.task}/{one.variant} {one.sample}"
            print(visible(f"  {check.name}: {place}: {one.other!r} instead of {one.usual!r}"))
    raise typer.Exit(0 if found.passed else 1)
