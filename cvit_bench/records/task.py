"""A task: a dataset with a template, a scorer and an answer form (`tasks/<name>.yaml`)."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Record, Sha256
from cvit_bench.records.candidates import OPEN_FORMS, CandidateSource, default_sources
from cvit_bench.records.form import AnswerForm, FormLimits
from cvit_bench.text import known

_MOST_NUMERALS = 10_000
_NEEDED = {CandidateSource.CLASSES: "classes", CandidateSource.NUMERALS: "numerals"}
_SOURCES = ", ".join(source.value for source in CandidateSource)


class Split(Record):
    """One annotation file of a task."""

    file: str = Field(min_length=1)
    count: int | None = Field(default=None, ge=1)
    sha256: Sha256 | None = None


class Task(FileRecord):
    """What `tasks/<name>.yaml` holds.

    `knowledge` is how K is measured: `ranked` by the likelihood of the allowed answers, `lenient` by what the
    output says. Without it K is ranked where `candidates`, or else the answer form, says which answers are
    allowed. A sample's are those of the first source of `candidates` that holds a right answer.
    """

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
    numerals: tuple[int, int] | None = None
    knowledge: Literal["ranked", "lenient"] | None = None
    candidates: tuple[CandidateSource, ...] = ()
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

    @model_validator(mode="after")
    def _rankable(self) -> Self:
        if self.numerals is not None and not 0 < self.numerals[1] - self.numerals[0] < _MOST_NUMERALS:
            raise ValueError(f"numerals: [first, last] of at most {_MOST_NUMERALS:,} (got {self.numerals})")
        if self.knowledge == "lenient" and self.candidates:
            raise ValueError("candidates: nothing is ranked with knowledge: lenient")
        if self.answer_form in OPEN_FORMS and (self.candidates or self.knowledge == "ranked"):
            raise ValueError(f"knowledge: the answers of a {self.answer_form.value} cannot be listed")
        if self.knowledge == "ranked" and not self.sources:
            raise ValueError(f"candidates: knowledge: ranked needs some (known: {_SOURCES})")
        for source, needed in _NEEDED.items():
            if source in self.sources and not getattr(self, needed):
                raise ValueError(f"candidates: {source.value}: the task has no {needed}")
        if CandidateSource.TRAIN_ANSWERS in self.candidates and "train" not in self.splits:
            raise ValueError("candidates: train_answers: the task has no train split")
        return self

    @property
    def sources(self) -> tuple[CandidateSource, ...]:
        """Where allowed answers come from; empty where K is lenient."""
        if self.knowledge == "lenient":
            return ()
        return self.candidates or default_sources(
            self.answer_form, bool(self.classes), self.numerals is not None
        )
