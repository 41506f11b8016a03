"""Multiple choice answered by a letter.

    S = 1  the answer is the right letter; case, outer white space and one final full stop are ignored
    K = 1  S = 1, or the right letter in another shape (`(B)`, `B. red`, `the answer is B`), or the text of
           the right option, and no other letter or option
    F      one letter of the task's letters and nothing else

A reference is a letter or the text of an option. The article in `A dog` is not the letter A; before a single
letter there is no article, so `A e B e` names A and B, and an answer that names several is undecided: K = 0.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "Option letter"
OPEN_ENDED = False
HIGHEST = 1.0

_OPTION = "_"
_ARTICLE = re.compile(
    r"(^|(?<!\W)[^\w.!?:\n]*[.!?:\n])\W*A(?=\s+(?!(?:and|or)\b)(?:_|\w\w))|\bI(?=['’\s]\s*\w)"
)
"""An A or I that is a word; what ends the sentence before it is the group, which stays."""
_LEADING = re.compile(r"\W*([A-Za-z])(?:\s?[.):\]](?=\s|$)|\W*$)")
_BRACKETED = re.compile(r"[(\[]([A-Za-z])[)\]]")
_CAPITAL = re.compile(r"(?<![\w'’])([A-Z])(?![\w'’])")


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score answers by the letter they name (S, K in {0, 1})."""
    return [_judge(task, sample, text) for sample, text in items]


def _judge(task: Task, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    said = text.strip().removesuffix(".").rstrip().upper()
    right = {_letter(task.form.letters, sample.choices, answer) for answer in sample.answers}
    if said and said in right:
        return Score(strict=1.0, knowledge=1.0, form=form, extracted=said)
    found = _letters(task.form.letters, sample.choices, text)
    knows = bool(found) and right.issuperset(found)
    extracted = ", ".join(sorted(found)) or text.strip()
    return Score(strict=0.0, knowledge=float(knows), form=form, extracted=extracted)


def _letter(letters: str, choices: tuple[str, ...], answer: str) -> str:
    """Return the letter of a reference that may be a letter or the text of an option."""
    plain = answer.strip().casefold()
    texts = {choice.strip().casefold(): letter for letter, choice in zip(letters, choices, strict=False)}
    return plain.upper() if len(plain) == 1 else texts.get(plain, answer)


def _letters(letters: str, choices: tuple[str, ...], text: str) -> set[str]:
    """Return the letters that a text names, by letter or by the text of the option."""
    options, pattern = _options(letters, choices)
    found = {options[match] for match in map(str.casefold, pattern.findall(text)) if match in options}
    rest = _ARTICLE.sub(r"\1", pattern.sub(_OPTION, text).strip())
    leading = _LEADING.match(rest)
    named = _BRACKETED.findall(rest) + _CAPITAL.findall(rest) + ([leading[1]] if leading else [])
    allowed = letters[: len(choices)] if choices else letters
    return found | {letter.upper() for letter in named if letter.upper() in allowed}


@lru_cache(maxsize=4096)
def _options(letters: str, choices: tuple[str, ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    """Return the letter of each option's text, and a pattern that finds such texts, the longest first."""
    pairs = zip(letters, (choice.strip().casefold() for choice in choices), strict=False)
    options = {text: letter for letter, text in pairs if len(text) > 1 or text.isdigit()}
    longest_first = sorted(options, key=len, reverse=True)
    names = "|".join(re.escape(text) for text in longest_first) or r"(?!)"
    return options, re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)
