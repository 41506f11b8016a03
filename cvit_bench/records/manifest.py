"""`manifest.json`: what training did, and the only thing evaluation needs."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Record, Sha256
from cvit_bench.records.load import load_json
from cvit_bench.records.suite import TemplateSetting

MANIFEST = "manifest.json"
TaskIdentity = Literal["none", "inferred", "oracle"]
Schedule = Literal["none", "sequential", "multitask", "per_task"]


class BaseModelRef(Record):
    """The untouched base: `embedded:NAME`, a folder (relative to the run) or a hub id."""

    path: str = Field(min_length=1)
    sha256: Sha256 | None = None
    revision: str | None = None


class Stage(Record):
    """One step of the sequence; stage 0, the base itself, is never listed."""

    name: Name
    tasks: tuple[Name, ...] = Field(min_length=1)
    checkpoint: str = Field(min_length=1)
    kind: Literal["adapter", "full"] = "adapter"
    parent: str | None = None
    shots: int | None = Field(
        default=None, ge=1, description="samples a class of an unseen task, beside the sequence"
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


def load_manifest(run_dir: Path) -> Manifest:
    """Read the manifest of a run directory."""
    return load_json(run_dir / MANIFEST, Manifest)
