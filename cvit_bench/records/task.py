"""A task: a dataset with a template, a scorer and an answer form (`tasks/<name>.yaml`)."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.candidates import OPEN_FORMS, CandidateSource, default_sources
from cvit_bench.records.form import AnswerForm, FormLimits
from cvit_bench.records.sample import PictureFit
from cvit_bench.records.split import Split
from cvit_bench.text import known

PromptSource = Literal["template", "data"]

_MOST_NUMERALS = 10_000
_NEEDED = {CandidateSource.CLASSES: "classes", CandidateSource.NUMERALS: "numerals"}
_SOURCES = ", ".join(source.value for source in CandidateSource)


class Download(Record):
    """Something that a task needs and that its owners hand out: what, from where, under which licence."""

    what: str
    url: str = Field(pattern=r"^https?://")
    licence: str
    to: str

    def placed(self, instructions: str | None) -> "Download":
        """Return it with the place where a setting of the task looks for it."""
        return self.model_copy(update={"to": self.to.replace("{instructions}", instructions or "")})


class Task(FileRecord):
    """What `tasks/<name>.yaml` holds.

    `knowledge` is how K is measured: `ranked` by the likelihood of the allowed answers, `lenient` by what the
    output says. Without it K is ranked where `candidates`, or else the answer form, says which answers are
    allowed. A sample's are those of the first source of `candidates` that holds a right answer.

    Attributes:
        prompts: `template`: the question is worded by our template. `data`: prompts stand in the data files
            and are taken as they are published; they count as the template's first variant.
        instructions: the folder that `{instructions}` stands for in file names; a suite may name another.
        picture: `pad`: padded to a square with CLIP's mean colour. `model`: as the model's own processor does
            it (LLaVA-1.5: shortest edge and centre crop).
        released_picture: what the published evaluation does with test pictures, where it is something else.
        likelihood: what ranks answers: the mean of ln p over tokens and end (`normalised`) or their sum.
        known: what is known and unknown about the data, for people.
    """

    name: Name
    title: str
    description: str
    answer_form: AnswerForm
    scorer: str
    released_scorer: str | None = None
    template: str
    reader: str
    source: Literal["embedded", "local"] = "local"
    splits: dict[Literal["train", "val", "test"], Split]
    prompts: PromptSource = "template"
    instructions: Name | None = None
    picture: PictureFit = "model"
    released_picture: PictureFit | None = None
    classes: tuple[str, ...] = ()
    numerals: tuple[int, int] | None = None
    knowledge: Literal["ranked", "lenient"] | None = None
    candidates: tuple[CandidateSource, ...] = ()
    likelihood: Literal["normalised", "plain"] = "normalised"
    form: FormLimits = FormLimits()
    max_new_tokens: int = Field(default=16, ge=1, le=4096)
    licence: str
    citation: str
    downloads: tuple[Download, ...] = ()
    known: str = ""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if "test" not in self.splits:
            raise ValueError(f"splits: a task needs a test split (it has: {known(self.splits)})")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: a class stands twice")
        unnamed = [name for name, split in self.splits.items() if "{instructions}" in split.file]
        if unnamed and self.instructions is None:
            raise ValueError(f"instructions: splits.{unnamed[0]}.file asks for it")
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
