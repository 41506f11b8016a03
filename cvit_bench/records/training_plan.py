"""What a training would do, before it is done: steps, weights, memory, data. Printed, never stored."""

from typing import Any

from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.manifest import Schedule
from cvit_bench.records.training import TrainingBudget


class PlannedSplit(Record):
    """The train file of a task.

    Attributes:
        samples: how many it holds, or should hold where it is missing; None: not known.
        citation: where it comes from.
    """

    task: Name
    file: str
    present: bool
    samples: int | None
    licence: str
    citation: str


class StageSteps(Record):
    """One stage; None where the number of samples is not known."""

    name: Name
    tasks: tuple[Name, ...]
    samples: int | None
    steps: int | None


class RatePoint(Record):
    """The learning rate at an optimizer step, counted from 1."""

    step: int
    rate: float


class WeightCount(Record):
    """How many weights there are.

    Attributes:
        base: of the base.
        adapter: of the adapter at a stage, routers that do not learn and earlier tasks' weights among them.
        learning: those of them that learn.
        adapter_bytes: what `adapter` takes in memory.
    """

    base: int
    adapter: int
    learning: int
    adapter_bytes: int


class MemoryEstimate(Record):
    """Bytes of one process at its peak, by what they hold. Activations and logits are an estimate."""

    length: int
    base: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        """Sum of all parts, bytes."""
        return sum(value for name, value in self if name != "length")


class TrainingPlan(FileRecord):
    """What `train --plan` says; `first` and `last` are of the first and the last stage."""

    method: Name
    title: str
    recipe: str | None
    suite: Name
    suite_version: int
    schedule: Schedule
    base: str
    shapes: str
    dtype: str
    precision: str
    adapter: str | None
    adapter_config: dict[str, Any]
    hooks: dict[str, dict[str, Any]] = {}
    training: TrainingBudget
    stages: tuple[StageSteps, ...]
    steps: int | None
    rates: tuple[RatePoint, ...]
    first: WeightCount | None
    last: WeightCount | None
    memory: MemoryEstimate | None
    data: tuple[PlannedSplit, ...]
    departures: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[PlannedSplit, ...]:
        """The train files that are not there."""
        return tuple(split for split in self.data if not split.present)
