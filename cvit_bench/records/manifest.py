"""`manifest.json`: what training did, and the only thing evaluation needs."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Place, Record, Sha256
from cvit_bench.records.load import load_json
from cvit_bench.records.suite import TemplateSetting

MANIFEST = "manifest.json"
STAGES = "stages"
"""Folder of a run directory that holds the checkpoints of its own."""
TaskIdentity = Literal["none", "inferred", "oracle", "unknown"]
Schedule = Literal["none", "sequential", "multitask", "per_task"]


class BaseModelRef(Record):
    """The untouched base: `embedded:NAME`, a folder (relative to the run) or a hub id."""

    path: Place
    sha256: Sha256 | None = None
    revision: str | None = None


class Stage(Record):
    """One step of the sequence; stage 0, the base itself, is never listed."""

    name: Name
    tasks: tuple[Name, ...] = Field(min_length=1)
    checkpoint: Place
    kind: Literal["adapter", "full", "answers"] = "adapter"
    revision: str | None = Field(default=None, description="of a checkpoint that is a hub id")
    parent: str | None = None
    shots: int | None = Field(
        default=None, ge=1, description="samples a class of an unseen task, beside the sequence"
    )
    from_base: bool = Field(
        default=False, description="with shots: tuned from the untouched base, not from the last checkpoint"
    )
    steps: int | None = Field(default=None, ge=0)
    samples: int | None = Field(default=None, ge=0)
    data_sha256: Sha256 | None = None


class Manifest(FileRecord):
    """What `manifest.json` holds; written last by training, or by hand for other people's checkpoints."""

    run: Name
    suite: str
    suite_version: int | None = None
    method: Name
    title: str | None = None
    schedule: Schedule = "sequential"
    seed: int | None = None
    task_identity: TaskIdentity = "none"
    templates: TemplateSetting = "single"
    base: BaseModelRef
    stages: tuple[Stage, ...] = ()
    config: dict[str, Any] = {}
    provenance: dict[str, Any] = {}

    @model_validator(mode="after")
    def _stages_once(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError("stages: a stage name stands twice")
        return self

    @model_validator(mode="after")
    def _from_base_beside(self) -> Self:
        for stage in self.stages:
            if stage.from_base and stage.shots is None:
                raise ValueError(f"stages: {stage.name!r}: from_base is for stages with shots")
        return self

    @model_validator(mode="after")
    def _part_of_suite(self) -> Self:
        share, first = self.config.get("holdout", 0), self.config.get("stages")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise ValueError(f"config.holdout: expected a share from 0 to below 1, got {share!r}")
        if first is not None and (isinstance(first, bool) or not isinstance(first, int) or first < 1):
            raise ValueError(f"config.stages: expected a number of tasks from 1 on, got {first!r}")
        return self

    @property
    def holdout(self) -> float:
        """Share of each task's train samples that training left out."""
        return float(self.config.get("holdout", 0))

    @property
    def first_tasks(self) -> int | None:
        """How many of the suite's train tasks the run was to learn, None for all."""
        return self.config.get("stages")


def load_manifest(run_dir: Path) -> Manifest:
    """Read the manifest of a run directory."""
    return load_json(run_dir / MANIFEST, Manifest)
