"""`cvit-bench export`: a stage in another tool's format."""

from pathlib import Path
from typing import Annotated

import typer

from cvit_bench.cli.options import Device, Dtype, RunDir, Threads, placement_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.text import unknown_name

FORMATS = ("lora",)


def export(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="lora: a plain PEFT LoRA.")],
    run_dir: RunDir,
    stage: Annotated[str, typer.Option("--stage", help="Name of the stage.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; it must not be there.")],
    task: Annotated[
        str | None, typer.Option("--task", help="The task that a stage with a router a task is folded for.")
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = 1,
) -> None:
    """Write a stage as a plain PEFT LoRA: a LoRA as it is, O-LoRA stacked, BranchLoRA folded for one task."""
    if format_ not in FORMATS:
        raise CvitBenchError(unknown_name("format", format_, FORMATS))
    from cvit_bench.interop.lora import export_lora

    print(export_lora(run_dir, stage, task, out, placement_of(device, dtype, threads)))
