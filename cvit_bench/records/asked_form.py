"""The other form that some variants of a template ask for: the same content, said in another shape.

Obeying and knowing come apart under such a variant: K stays the scorer's (the content in any shape), F is the
form asked for here instead of the task's, and an answer is strictly right when it is both:

    F = asked_form_kept        K = the scorer's K        S = K · F        (CIDEr as well, K in [0, 10])

The shape is declared by flags, never by a pattern of the author's: what a flag checks is one line below.
"""

from typing import Literal

from pydantic import Field

from cvit_bench.records.form import AnswerForm, WordLimits, limited, shaped
from cvit_bench.text import NUMBER_WORDS, bare, has_option_label, one_space, spelt, words


class AskedForm(WordLimits):
    """What a form-change variant asks for; what is not named is not limited.

    Attributes:
        answer_form: the shape, as for a task; the letters of an option letter are always the task's.
        brackets: the answer stands in round brackets; everything else is checked inside them.
        case: no letter of the other case stands in the answer.
        spelt_out: no digit stands in the answer; a `number` is then one number word, zero to one hundred.
        no_label: no option letter stands in the answer, alone or as a label (`B`, `B.`, `(B)`, `B red`).
        starts_with: the first word is one of these; case and punctuation are ignored.
        max_new_tokens: room for the answer where the task's own budget is smaller.
    """

    answer_form: AnswerForm
    brackets: bool = False
    case: Literal["upper", "lower"] | None = None
    spelt_out: bool = False
    no_label: bool = False
    starts_with: tuple[str, ...] = ()
    max_new_tokens: int = Field(default=32, ge=1, le=4096)


def asked_form_kept(asked: AskedForm, letters: str, answer: str) -> bool:
    """Tell whether an answer has the changed shape; the empty answer never has.

    Args:
        asked: the shape.
        letters: the option letters of the task.
        answer: the whole output.
    """
    text = _inside(asked, one_space(answer))
    return (
        bool(text) and _has_shape(asked, letters, text) and _flags_kept(asked, text) and limited(asked, text)
    )


def _inside(asked: AskedForm, text: str) -> str:
    """Return what is checked: all of a text, or what its brackets hold (nothing where they lack)."""
    if not asked.brackets:
        return text
    whole = text.removesuffix(".")
    inner = whole[1:-1].strip()
    is_one_pair = whole[:1] + whole[-1:] == "()" and not set(inner) & set("()[]")
    return inner if is_one_pair else ""


def _has_shape(asked: AskedForm, letters: str, text: str) -> bool:
    if asked.spelt_out and asked.answer_form is AnswerForm.NUMBER:
        return spelt(text) in NUMBER_WORDS
    return shaped(asked.answer_form, letters, text)


def _flags_kept(asked: AskedForm, text: str) -> bool:
    first = bare(words(text)[0])
    return (
        (asked.case != "upper" or text == text.upper())
        and (asked.case != "lower" or text == text.lower())
        and not (asked.spelt_out and any(letter.isdigit() for letter in text))
        and not (asked.no_label and has_option_label(text))
        and (not asked.starts_with or first in map(bare, asked.starts_with))
    )
