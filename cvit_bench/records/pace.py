"""`pace.json`: how fast a run's stages were answered here, and in batches of which sizes. Safe to delete."""

from pathlib import Path
from typing import Any

from pydantic import Field

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.load import load_json


class StagePace(Record):
    """What was answered at one stage, in all calls together.

    Attributes:
        samples: prompts that were answered. seconds: how long whoever answered was at work, added up.
        waited: for how many of these the model waited for its inputs.
        batch_sizes: the sizes that batches were cut to.
    """

    samples: int = Field(ge=0)
    seconds: float = Field(ge=0)
    waited: float = Field(ge=0)
    batch_sizes: tuple[int, ...] = ()

    def __add__(self, other: "StagePace") -> "StagePace":
        return StagePace(
            samples=self.samples + other.samples,
            seconds=round(self.seconds + other.seconds, 3),
            waited=round(self.waited + other.waited, 3),
            batch_sizes=tuple(sorted({*self.batch_sizes, *other.batch_sizes})),
        )


class Pace(FileRecord):
    """All stages that were answered with one placement."""

    placement: dict[str, Any]
    stages: dict[Name, StagePace] = {}

    @property
    def rate(self) -> float | None:
        """Samples a second and process, over all stages; None where too little was answered to tell."""
        samples = sum(stage.samples for stage in self.stages.values())
        seconds = sum(stage.seconds for stage in self.stages.values())
        return samples / seconds if samples and seconds else None

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """All sizes of batches, ascending."""
        return tuple(sorted({size for stage in self.stages.values() for size in stage.batch_sizes}))

    def plus(self, stage: str, made: StagePace) -> "Pace":
        """Return it with more of a stage."""
        there = self.stages.get(stage)
        found = made if there is None else there + made
        return self.model_copy(update={"stages": {**self.stages, stage: found}})


def pace_path(run_dir: Path, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the pace of a run directory lies."""
    return run_dir / f"{split.named('pace')}.json"


def pace_of(run_dir: Path, split: SplitChoice, placement: dict[str, Any]) -> Pace:
    """Return what is known about a placement; nothing where the file is of another one or cannot be read."""
    path = pace_path(run_dir, split)
    try:
        found = load_json(path, Pace) if path.exists() else None
    except CvitBenchError:
        found = None
    return found if found is not None and found.placement == placement else Pace(placement=placement)
