"""Options that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.choices import Resample, SplitChoice
from cvit_bench.records.plan import MOST_SAMPLES

if TYPE_CHECKING:
    from cvit_bench.models.family import Placement

_DIGITS = 18
RunDir = Annotated[Path, typer.Option("--run-dir", help="The run directory.")]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of downloaded data (default $CVIT_BENCH_DATA).")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, …")]
Dtype = Annotated[
    str, typer.Option("--dtype", help="auto (float32 on CPU, else bfloat16), float32, bfloat16, float16.")
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="CPU threads of the model.")]
RemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run code that lies beside a base's weights.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Split = Annotated[
    SplitChoice, typer.Option("--split", help="test, or val: the samples that training held out.")
]
Resampled = Annotated[
    Resample,
    typer.Option("--resample", help="What intervals count as drawn by chance; wordings need --variants."),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, max=MOST_SAMPLES, help="First N samples of every task.")
]


References = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference", help="Run directory of a multitask or a per_task run to measure against; repeatable."
    ),
]


def placement_of(device: str, dtype: str, threads: int, remote_code: bool = False) -> "Placement":
    """Resolve `auto`; imports torch only where there may be a GPU to ask it about."""
    from cvit_bench.models.family import Placement

    if device == "auto":
        device = "cuda" if _has_cuda() else "cpu"
    if dtype == "auto":
        dtype = "float32" if device == "cpu" else "bfloat16"
    return Placement(device, dtype, threads, remote_code)


def _has_cuda() -> bool:
    if not Path("/dev/nvidiactl").exists():
        return False
    import torch

    return torch.cuda.is_available()


def whole_number(text: str) -> bool:
    """Tell whether a word is a number from 1 on, in plain digits."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) >= 1


def parse_variants(text: str) -> int | None:
    """Read `--variants`: a number, or `all` (None)."""
    if text == "all":
        return None
    if not whole_number(text):
        raise CvitBenchError(f"--variants {text}: expected a number from 1 on, or all")
    return int(text)
