"""A stage folder: written whole or not at all, reused only when everything it depends on is the same."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.folders import adapter_sha256
from cvit_bench.records.base import FileRecord, Sha256
from cvit_bench.records.begun import begun
from cvit_bench.records.files import sync
from cvit_bench.records.load import load_json
from cvit_bench.records.manifest import STAGES

TRAINING = "training.json"


class StageTraining(FileRecord):
    """What made a stage: `origin` is the hash of settings, base, parent and data."""

    origin: Sha256
    data_sha256: Sha256
    steps: int
    samples: int
    precision: Literal["float32", "bfloat16"] = "float32"
    adapter_sha256: Sha256 | None = None
    losses: tuple[float, ...]


def finished_stage(folder: Path, origin: str) -> StageTraining | None:
    """Return the record of a finished stage, None when it is yet to be trained.

    Raises CvitBenchError when the folder holds a stage of other settings, base, parent or data, or a
    damaged one.
    """
    if not folder.exists():
        return None
    found = load_json(folder / TRAINING, StageTraining)
    if found.origin != origin:
        raise CvitBenchError(
            f"{folder}: was trained with other settings, base or data; "
            "--fresh trains anew, another --run-dir keeps both"
        )
    if found.adapter_sha256 is not None and found.adapter_sha256 != adapter_sha256(folder):
        raise CvitBenchError(
            f"{folder}: its adapter is damaged (the hash differs from {TRAINING}); "
            "remove the folder to train the stage anew"
        )
    return found


@contextmanager
def stage_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder; on leaving, fsync all of it and rename it to `folder`."""
    try:
        with begun(folder, is_folder=True) as temporary:
            yield temporary
            for path in sorted(temporary.iterdir()):
                path.chmod(0o644)
                sync(path)
            sync(temporary)
            temporary.rename(folder)
            sync(folder.parent)
    except OSError as error:
        raise CvitBenchError(f"{folder}: cannot be written ({error.strerror or error})") from error


def stops_folder(stage: Path) -> Path:
    """Return where the saves of a stage in training lie, beside where it will lie."""
    return stage.with_name(f".{stage.name}.steps")


def remove_stops(stage: Path) -> None:
    """Remove the saves of a finished stage."""
    shutil.rmtree(stops_folder(stage), ignore_errors=True)


def remove_stages(run_dir: Path) -> None:
    """Remove all stages of a run, finished or not."""
    shutil.rmtree(run_dir / STAGES, ignore_errors=True)
