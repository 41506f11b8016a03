"""What `cvit-bench compare` finds: two runs side by side, in percent and percentage points."""

from typing import Literal

from pydantic import Field

from cvit_bench.records.base import FileRecord, Name, Record


class Change(Record):
    """Second minus first, with its 95 % interval.

    `detectable` is the smallest change that these samples would show with a power of 80 %. Both are null
    where the samples are not at hand.
    """

    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    detectable: float | None = None


class MetricChange(Record):
    """One metric of both runs; `change` is null where one of them does not have it, `reason` says why."""

    id: Name
    label: str
    higher_is_better: bool
    first: float | None
    second: float | None
    change: Change | None = None
    reason: str | None = None


class TaskTest(Record):
    """A test of "no difference" on one task.

    Attributes:
        test: exact McNemar where items are right or wrong and each on a picture of its own, else a
            permutation test that swaps the runs picture by picture.
        p: two-sided; `p_holm` is corrected for all tasks.
        effect: Cohen's g for McNemar, Cohen's d of pairs for permutation; null without any spread.
        items, clusters: how many answers were compared, and on how many pictures.
        gained, lost: items that only the second run, or only the first, answers right.
    """

    test: Literal["mcnemar", "permutation"]
    p: float
    p_holm: float
    effect: float | None
    items: int = Field(ge=1)
    clusters: int = Field(ge=1)
    gained: int
    lost: int


class TaskChange(Record):
    """The strict score of one task at the last stage of both runs."""

    task: Name
    title: str
    unseen: bool
    first: float | None
    second: float | None
    change: Change | None = None
    test: TaskTest | None = None


class Flip(Record):
    """An item that one run answers right and the other wrong; scores are S in percent."""

    task: Name
    id: str
    variant: str
    first: float
    second: float
    first_text: str
    second_text: str


class Gate(Record):
    """A limit to how far a metric may fall; `change` is positive where the second run is better."""

    metric: Name
    limit: float
    change: float
    passed: bool


class Comparison(FileRecord):
    """Two runs on the same items. `notes` say what differs between them and what could not be compared."""

    suite: Name
    first: str
    second: str
    notes: tuple[str, ...] = ()
    tasks: tuple[TaskChange, ...]
    metrics: tuple[MetricChange, ...]
    flips: tuple[Flip, ...] = ()
    gates: tuple[Gate, ...] = ()
