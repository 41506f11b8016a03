"""`predictions/plan.json`: the cells that evaluation answers, and with what. Scoring reads nothing else."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from cvit_bench.records.base import FileRecord, Name, Record, Sha256
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.load import load_json

BASE_STAGE = "00-base"
MOST_SAMPLES = 10**12
"""No split has more."""
IMPORTED = "imported"
"""Stands in place of a variant where other tools asked: the wording is theirs, and is not compared."""


class PlannedCell(Record):
    """One stage × task × variant."""

    stage: Name
    task: Name
    variant: Name


class PlannedStage(Record):
    """One stage with the hash of everything that decides its answers: base and adapter."""

    name: Name
    tasks: tuple[Name, ...] = ()
    weights: Sha256


class PlannedFewShot(Record):
    """A stage beside the sequence: a checkpoint tuned on so many samples a class of an unseen task.

    The checkpoint is the last one of the sequence, or with `from_base` the untouched base.
    """

    name: Name
    task: Name
    shots: int = Field(ge=1)
    weights: Sha256
    from_base: bool = False


class Design(Record):
    """Which samples see which wordings, where not every sample sees all: `per_sample` paraphrases each.

    They are dealt from the task's first `variants` wordings (None: all) by a seed; each sample sees one of
    the form changes among them as well. The same design holds at every stage.
    """

    per_sample: int = Field(ge=2)
    variants: int | None = Field(default=None, ge=1)
    seed: int = 0


class EvaluationPlan(FileRecord):
    """What an evaluation answers."""

    suite: str
    suite_version: int
    split: SplitChoice = SplitChoice.TEST
    stages: tuple[PlannedStage, ...]
    few_shot: tuple[PlannedFewShot, ...] = ()
    cells: tuple[PlannedCell, ...]
    limit: int | None = Field(default=None, ge=1, le=MOST_SAMPLES)
    design: Design | None = None
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"]
    generation: dict[str, Any]


def plan_path(run_dir: Path, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the plan of a run directory lies."""
    return run_dir / split.named("predictions") / "plan.json"


def typed_path(run_dir: Path) -> Path:
    """Return where scores lie that came without samples, in the place of a plan."""
    return run_dir / "matrix.json"


def cell_path(run_dir: Path, cell: PlannedCell, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the predictions of a cell lie."""
    return run_dir / split.named("predictions") / cell.stage / cell.task / f"{cell.variant}.jsonl"


def blank_path(run_dir: Path, stage: str, task: str, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the rankings of a stage and task on a blank picture lie."""
    return run_dir / split.named("predictions") / stage / task / "blank.json"


def flips_path(run_dir: Path, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where it is kept at which stage each sample was lost."""
    return run_dir / split.named("scores") / "flips.parquet"


def scores_path(run_dir: Path, stage: str, task: str, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the scores of a stage and task lie, all variants together."""
    return run_dir / split.named("scores") / stage / f"{task}.parquet"


def items_path(run_dir: Path, task: str, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the fields of a task lie, item by item, all stages together."""
    return run_dir / split.named("items") / f"{task}.parquet"


def load_plan(run_dir: Path, split: SplitChoice = SplitChoice.TEST) -> EvaluationPlan:
    """Read the plan of a run directory."""
    return load_json(plan_path(run_dir, split), EvaluationPlan)
