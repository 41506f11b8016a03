"""The stages of a manifest as checkpoints that exist, each with the hash of its weights."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint
from cvit_bench.models.folders import (
    adapter_sha256,
    base_folder,
    base_sha256,
    from_hub,
    has_processor,
    instruction_mode,
    is_hub_id,
)
from cvit_bench.records.files import sha256_json
from cvit_bench.records.manifest import MANIFEST, STAGES, Manifest, Stage
from cvit_bench.records.plan import BASE_STAGE


@dataclass(frozen=True)
class StageWeights:
    """One row of the matrix: what it was trained on, its checkpoint, the hash of base and adapter.

    With `shots` it stands beside the sequence, tuned on so many samples a class of an unseen task, from the
    last checkpoint or `from_base`.
    """

    tasks: tuple[str, ...]
    checkpoint: Checkpoint
    sha256: str
    shots: int | None = None
    from_base: bool = False

    @cached_property
    def instruction_mode(self) -> str | None:
        """What its routers are told about instructions, None when they ask for nothing."""
        folder = self.checkpoint.folder
        return instruction_mode(folder) if folder is not None and self.checkpoint.kind == "adapter" else None

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.checkpoint.name


def locate_stages(run_dir: Path, manifest: Manifest) -> tuple[Path, list[StageWeights]]:
    """Return the base folder and all stages, the base itself first.

    Raises CvitBenchError naming every checkpoint that is missing, or a base that is not the one that the
    run was trained on.
    """
    if any(stage.kind == "answers" for stage in manifest.stages):
        raise CvitBenchError(
            f"{run_dir / MANIFEST}: stages: these are imported answers without checkpoints, and nothing more "
            "can be asked (score, report, compare and leaderboard take them)"
        )
    base = base_folder(manifest.base, run_dir)
    base_hash = base_sha256(base)
    if manifest.base.sha256 not in (None, base_hash):
        raise CvitBenchError(
            f"{run_dir / MANIFEST}: base.sha256: {base} is not the base that the run was trained on "
            f"(its hash is {base_hash[:12]}…, the manifest says {str(manifest.base.sha256)[:12]}…)"
        )
    folders = [_folder(run_dir, at, stage) for at, stage in enumerate(manifest.stages)]
    _check_folders(run_dir, manifest, folders)
    first = StageWeights((), Checkpoint(BASE_STAGE, None, "base"), sha256_json([base_hash, None]))
    rest = [_stage(base_hash, *pair) for pair in zip(manifest.stages, folders, strict=True)]
    return base, [first, *rest]


def _stage(base_hash: str, stage: Stage, folder: Path) -> StageWeights:
    if stage.kind == "full":
        weights = [base_sha256(folder), None if has_processor(folder) else base_hash]
        place = Checkpoint(stage.name, folder, "full")
    else:
        found = adapter_sha256(folder)
        weights, place = [base_hash, found], Checkpoint(stage.name, folder, "adapter", found)
    return StageWeights(stage.tasks, place, sha256_json(weights), stage.shots, stage.from_base)


def _folder(run_dir: Path, at: int, stage: Stage) -> Path:
    """Return where a checkpoint lies; what is no path within the run may be a hub id."""
    path = run_dir / stage.checkpoint
    if path.is_dir() or not is_hub_id(stage.checkpoint):
        return path
    first = Path(stage.checkpoint).parts[0]
    if first == STAGES or (run_dir / first).exists():
        return path
    return from_hub(f"{run_dir / MANIFEST}: stages.{at}.checkpoint", stage.checkpoint, stage.revision)


def _check_folders(run_dir: Path, manifest: Manifest, folders: list[Path]) -> None:
    problems = [
        f"{run_dir / MANIFEST}: stages.{at}.checkpoint: {folder}: no such folder"
        for at, folder in enumerate(folders)
        if not folder.is_dir()
    ]
    problems += [
        f"{run_dir / MANIFEST}: stages.{at}.name: {BASE_STAGE!r} is the name of the base's own stage"
        for at, stage in enumerate(manifest.stages)
        if stage.name == BASE_STAGE
    ]
    if problems:
        raise CvitBenchError("\n".join(problems))
