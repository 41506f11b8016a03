"""`cvit-bench export`: a run, or one stage of it, in another tool's format."""

from pathlib import Path
from typing import Annotated

import typer

from cvit_bench import plugins
from cvit_bench.cli.options import DataRoot, Device, Dtype, RunDir, Threads, placement_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.text import unknown_name

LORA = "lora"


def export(
    format_: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="lora (a stage, as a plain PEFT LoRA); lm_eval, inspect, model_card, latex, csv (a run).",
        ),
    ],
    run_dir: RunDir,
    out: Annotated[Path, typer.Option("--out", help="File or folder to write; it must not be there.")],
    stage: Annotated[str | None, typer.Option("--stage", help="lora: name of the stage.")] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="lora: task to fold a BranchLoRA stage for.")
    ] = None,
    data_root: DataRoot = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = 1,
) -> None:
    """Write a scored run for other tools, or a stage as a LoRA.

    A stage of O-LoRA is stacked into one plain LoRA, one of BranchLoRA folded for a task.
    """
    known = (LORA, *plugins.names(plugins.EXPORTS))
    if format_ not in known and "." not in format_:
        raise CvitBenchError(unknown_name("export format", format_, known))
    if format_ != LORA:
        from cvit_bench.interop.exporting import export_run

        typer.echo(export_run(format_, run_dir, out, data_root))
        return
    if stage is None:
        raise CvitBenchError("--stage: export lora writes one stage; name it")
    from cvit_bench.interop.lora import export_lora

    placement = placement_of(device, dtype, threads)
    typer.echo(export_lora(run_dir, stage, task, out, placement, data_root))
