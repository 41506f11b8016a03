"""`matrix.json`: scores that came without samples, typed by hand or read from another tool's reports."""

from pathlib import Path

from pydantic import model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name
from cvit_bench.records.load import load_json
from cvit_bench.records.plan import typed_path
from cvit_bench.records.results import Matrix, StageInfo

HIGHEST = 1000
"""CIDEr × 100 of an answer that is its reference."""


class TypedMatrix(FileRecord):
    """What `matrix.json` holds: strict scores [stage][task] in percent, null where not run."""

    suite: str
    suite_version: int
    stages: tuple[StageInfo, ...]
    tasks: tuple[Name, ...]
    values: Matrix

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.values) != len(self.stages) or any(len(row) != len(self.tasks) for row in self.values):
            raise ValueError(f"values: expected {len(self.stages)} rows of {len(self.tasks)} cells")
        if any(cell is not None and not 0 <= cell <= HIGHEST for row in self.values for cell in row):
            raise ValueError(f"values: expected percentages, or CIDEr × 100, from 0 to {HIGHEST}")
        return self


def load_typed(run_dir: Path) -> TypedMatrix:
    """Read the scores without samples of a run."""
    return load_json(typed_path(run_dir), TypedMatrix)
