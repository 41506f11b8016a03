"""The stages of a manifest as checkpoints that exist, each with the hash of its weights."""

from dataclasses import dataclass
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint
from cvit_bench.models.folders import adapter_sha256, base_folder, base_sha256
from cvit_bench.records.files import sha256_json
from cvit_bench.records.manifest import MANIFEST, Manifest, Stage
from cvit_bench.records.plan import BASE_STAGE


@dataclass(frozen=True)
class StageWeights:
    """One row of the matrix: what it was trained on, its checkpoint, the hash of base and adapter.

    With `shots` it stands beside the sequence, tuned on so many samples a class of an unseen task.
    """

    tasks: tuple[str, ...]
    checkpoint: Checkpoint
    sha256: str
    shots: int | None = None

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
    folders = [_folder(run_dir, stage) for stage in manifest.stages]
    _check_folders(run_dir, manifest, folders)
    first = StageWeights((), Checkpoint(BASE_STAGE, None, "base"), sha256_json([base_hash, None]))
    rest = [
        StageWeights(
            stage.tasks,
            Checkpoint(stage.name, folder, "full" if stage.kind == "full" else "adapter"),
            _sha256(base_hash, stage, folder),
            stage.shots,
        )
        for stage, folder in zip(manifest.stages, folders, strict=True)
    ]
    return base, [first, *rest]


def _folder(run_dir: Path, stage: Stage) -> Path:
    path = Path(stage.checkpoint)
    return path if path.is_absolute() else run_dir / path


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


def _sha256(base_hash: str, stage: Stage, folder: Path) -> str:
    if stage.kind == "full":
        return sha256_json([base_sha256(folder), None])
    return sha256_json([base_hash, adapter_sha256(folder)])
