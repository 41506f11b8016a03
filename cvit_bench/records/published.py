"""Published figures (`leaderboards/published/<protocol>.json`): one file a protocol, as printed.

A protocol is what makes figures comparable: tasks and their order, test samples, base model, and how means
are taken. Figures of two protocols never share a table, and none is ever ranked with runs.
"""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.text import unknown_name

Evidence = Literal["primary", "secondary", "recovered"]
"""The paper itself; somebody's restatement of it; result files or runs of users found elsewhere."""

AGGREGATES = ("AP", "ACC", "MFN", "MFT", "MAP", "MAA", "BWT", "MIF")


class PublishedRow(Record):
    """One printed line.

    Attributes:
        scores: percent by task at the last stage; null where it was not printed.
        printed: aggregates as printed, by the label of the source.
        mismatch: for an aggregate that its own scores do not give: why, as far as it is known.
    """

    method: str = Field(min_length=1)
    base: str
    source: str = Field(min_length=1)
    evidence: Evidence
    scores: dict[str, float | None] = {}
    printed: dict[str, float] = {}
    mismatch: dict[str, str] = {}
    note: str = ""


class PublishedMatrix(Record):
    """A matrix of one run, `values[stage][task]` in percent; null where there is no figure.

    Stages are the trained tasks in order; `joint` and `untouched` are rows of models outside the sequence.
    """

    run: str = Field(min_length=1)
    base: str
    source: str = Field(min_length=1)
    evidence: Evidence
    tasks: tuple[str, ...]
    stages: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    joint: tuple[float | None, ...] | None = None
    untouched: tuple[float | None, ...] | None = None
    note: str = ""

    @model_validator(mode="after")
    def _square(self) -> Self:
        rows = [*self.values, *(row for row in (self.joint, self.untouched) if row is not None)]
        if len(self.values) != len(self.stages):
            raise ValueError(f"values: {len(self.values)} rows for {len(self.stages)} stages")
        if any(len(row) != len(self.tasks) for row in rows):
            raise ValueError(f"values: a row has not {len(self.tasks)} cells")
        for stage in self.stages:
            if stage not in self.tasks:
                raise ValueError(f"stages: {unknown_name('task', stage, self.tasks)}")
        return self


class Published(FileRecord):
    """What `published/<protocol>.json` holds.

    Attributes:
        mean: label of the aggregate that is the mean of the last row, null where there is none.
        bwt: what the printed BWT is divided by, null where it is not known or not printed.
        score: what a cell is: task accuracy (captions: CIDEr × 100), or the score of a judge.
    """

    kind: Literal["published"] = "published"
    suite: Name
    protocol: Name
    title: str
    setting: str
    tasks: tuple[str, ...] = ()
    order: str
    score: Literal["accuracy", "judge"] = "accuracy"
    mean: str | None = None
    bwt: Literal["T", "T-1"] | None = None
    rows: tuple[PublishedRow, ...] = ()
    matrices: tuple[PublishedMatrix, ...] = ()

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for row in self.rows:
            for name in row.scores:
                if name not in self.tasks:
                    raise ValueError(f"rows: {row.method}: {unknown_name('task', name, self.tasks)}")
            for name in (*row.printed, *row.mismatch):
                if name not in AGGREGATES:
                    raise ValueError(f"rows: {row.method}: {unknown_name('aggregate', name, AGGREGATES)}")
        return self
