"""A task: a dataset with a template, a scorer and an answer form (`tasks/<name>.yaml`)."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Record, Sha256
from cvit_bench.records.form import AnswerForm, FormLimits
from cvit_bench.text import known


class Split(Record):
    """One annotation file of a task."""

    file: str = Field(min_length=1)
    count: int | None = Field(default=None, ge=1)
    sha256: Sha256 | None = None


class Task(FileRecord):
    """What `tasks/<name>.yaml` holds."""

    name: Name
    title: str
    description: str
    answer_form: AnswerForm
    scorer: str
    template: str
    reader: str
    source: Literal["embedded", "local"] = "local"
    splits: dict[Literal["train", "val", "test"], Split]
    classes: tuple[str, ...] = ()
    form: FormLimits = FormLimits()
    max_new_tokens: int = Field(default=16, ge=1, le=4096)
    licence: str
    citation: str

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if "test" not in self.splits:
            raise ValueError(f"splits: a task needs a test split (it has: {known(self.splits)})")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: a class stands twice")
        return self
