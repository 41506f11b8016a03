"""Where the data folders are: inside an installed package, or beside it in a checkout."""

import os
from collections.abc import Iterator
from pathlib import Path

from cvit_bench.errors import CvitBenchError

PACKAGE = Path(__file__).resolve().parent
DATA_VARIABLE = "CVIT_BENCH_DATA"
INSTRUCTION_WIDTH = 384
"""Numbers in an instruction embedding (all-MiniLM-L6-v2)."""


def shipped_folder(name: str) -> Path:
    """Return the folder `name` (`tasks`, `instruction_templates`) that came with this installation."""
    packaged = PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else PACKAGE.parent / name


def embedded_data() -> Path:
    """Return the folder of the embedded suite's parquet files."""
    return PACKAGE / "mini" / "data"


def embedded_base() -> Path:
    """Return the folder of the embedded base model."""
    return PACKAGE / "mini" / "base"


def instruction_table() -> Path:
    """Return the file of instruction embeddings that came with this installation."""
    return PACKAGE / "data" / "embeddings" / "minilm.safetensors"


def data_root(given: Path | None = None) -> Path:
    """Return the folder that holds downloaded data: `--data-root`, else $CVIT_BENCH_DATA, else `.`."""
    return given if given is not None else Path(os.environ.get(DATA_VARIABLE, "."))


def files_by_name(folders: list[Path], ending: str) -> dict[str, Path]:
    """Map file stems to files with that ending; an earlier folder wins over a later one."""
    found: dict[str, Path] = {}
    for path in _files(folders, ending):
        found.setdefault(path.name.removesuffix(ending), path)
    return found


def _files(folders: list[Path], ending: str) -> Iterator[Path]:
    for folder in folders:
        try:
            yield from sorted(folder.glob(f"*{ending}"))
        except OSError as error:
            raise CvitBenchError(f"{folder}: cannot be read ({error.strerror})") from error
