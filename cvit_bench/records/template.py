"""A template: paraphrased instructions with one answer form (`instruction_templates/<name>.yaml`)."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.asked_form import AskedForm
from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.form import AnswerForm


class Variant(Record):
    """One wording; `train` variants may be seen while tuning, `heldout` ones never are.

    A variant is a *paraphrase*, which asks for the template's own answer form, or, where it has `asks`, a
    *form change*, which asks for the same content in another form. Form changes are always heldout, are
    scored under the form they ask for, and never enter a mean over paraphrases.
    """

    id: Name
    split: Literal["train", "heldout"]
    text: str = Field(min_length=1)
    asks: AskedForm | None = None

    @model_validator(mode="after")
    def _never_trained(self) -> Self:
        if self.asks is not None and self.split == "train":
            raise ValueError("a variant that asks for another form must be of the heldout split")
        return self


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
        unchanged = AskedForm(answer_form=self.answer_form)
        for variant in self.variants:
            if variant.asks is not None and variant.asks == unchanged:
                raise ValueError(f"variants: {variant.id}: asks: this is the template's own form")
        return self

    @property
    def paraphrases(self) -> tuple[Variant, ...]:
        """The variants that ask for the template's own form, in file order."""
        return tuple(variant for variant in self.variants if variant.asks is None)

    @property
    def form_changes(self) -> tuple[Variant, ...]:
        """The variants that ask for another form, in file order."""
        return tuple(variant for variant in self.variants if variant.asks is not None)

    def variants_of(self, split: Literal["train", "heldout"]) -> tuple[Variant, ...]:
        """Return the paraphrases of one split, in file order."""
        return tuple(variant for variant in self.paraphrases if variant.split == split)
