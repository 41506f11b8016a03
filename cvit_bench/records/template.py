"""A template: paraphrased instructions with one answer form (`instruction_templates/<name>.yaml`)."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.form import AnswerForm


class Variant(Record):
    """One paraphrase; `train` variants may be seen while tuning, `heldout` ones never are."""

    id: Name
    split: Literal["train", "heldout"]
    text: str = Field(min_length=1)


class Template(FileRecord):
    """What `instruction_templates/<name>.yaml` holds; the first variant serves the single setting."""

    name: Name
    answer_form: AnswerForm
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        ids = [variant.id for variant in self.variants]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"variants: an id stands twice: {', '.join(twice)}")
        if self.variants[0].split != "train":
            raise ValueError("variants: the first variant must be of the train split")
        return self

    def variants_of(self, split: Literal["train", "heldout"]) -> tuple[Variant, ...]:
        """Return the variants of one split, in file order."""
        return tuple(variant for variant in self.variants if variant.split == split)
