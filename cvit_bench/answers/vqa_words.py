"""Short answers as the VQA challenge compares them (Antol et al., 2015; Goyal et al., 2017).

What its public evaluation does to an answer, in this order:

    punctuation   each mark of a list is deleted where it touches a blank, or everywhere if a comma stands
                  between two digits somewhere in the answer; elsewhere it becomes a blank. Colons and
                  apostrophes are not in the list; a full stop goes unless a digit follows it
    words         lower case; `none` and `zero` to `ten` become digits; `a`, `an` and `the` vanish
    contractions  a known one that lacks an apostrophe gets it back: `dont` becomes `don't`

The evaluation that came with TextVQA (M4C) deletes commas and question marks and splits `'s` off before that.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from cvit_bench.text import NUMBER_WORDS

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_ANY_MARK = re.compile(r"""[;/\[\]"{}()=+\\_\-><@`,?!.]""")
_DIGIT_COMMA = re.compile(r"\d,\d")
_STOP = re.compile(r"\.(?!\d)")
_MOST_STOPS = 32
"""The public code hands a flag over as the number of replacements."""

_ARTICLES = frozenset(("a", "an", "the"))
_DIGITS = {"none": "0", **{word: digit for word, digit in NUMBER_WORDS.items() if int(digit) <= 10}}

_FULL = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd
he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've
needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've
somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll
that's there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've
weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's who've
why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're
you've
"""
_CONTRACTIONS = {
    **{f[:at] + f[at + 1 :]: f for f in _FULL.split() for at in range(len(f)) if f[at] == "'"},
    "somebody'd": "somebodyd",
}
"""Each full spelling by those that lack one apostrophe; the last stands the wrong way in the public list."""


@lru_cache(maxsize=1 << 16)
def vqa_words(text: str) -> str:
    """Return an answer as the VQA challenge compares it."""
    spaced = text.replace("\n", " ").replace("\t", " ").strip()
    return _plain_words(_without_marks(spaced) if _ANY_MARK.search(spaced) else spaced)


@lru_cache(maxsize=1 << 16)
def m4c_words(text: str) -> str:
    """Return an answer as the evaluation of TextVQA compares it."""
    return vqa_words(text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip())


def _without_marks(text: str) -> str:
    delete_all, left = _DIGIT_COMMA.search(text) is not None, text
    for mark in _MARKS:
        if mark in text:
            touches_blank = f"{mark} " in text or f" {mark}" in text
            left = left.replace(mark, "" if delete_all or touches_blank else " ")
    return _STOP.sub("", left, count=_MOST_STOPS)


def _plain_words(text: str) -> str:
    digits = (_DIGITS.get(word, word) for word in text.lower().split())
    return " ".join(_CONTRACTIONS.get(word, word) for word in digits if word not in _ARTICLES)


def soft_accuracies(answers: Sequence[str]) -> dict[str, float]:
    """Return the accuracy of every distinct answer of the annotators, in [0, 1].

        accuracy(a) = mean over the annotators i of min(1, matches of a among the others / 3)

    Leaving one annotator out at a time is how the challenge averages ten answers. With fewer than four
    answers none could reach 1, so three is replaced by the number of others (one answer alone: equality).
    """
    counts, others = Counter(answers), len(answers) - 1
    if others < 1:
        return dict.fromkeys(counts, 1.0)
    needed = min(3, others)
    return {
        answer: (num * min(needed, num - 1) + (others + 1 - num) * min(needed, num)) / (needed * len(answers))
        for answer, num in counts.items()
    }
