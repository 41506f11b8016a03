"""Names as whole words in an answer, each place read as the longest name that stands there."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

YES_NO = ("yes", "no")
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")


class Names(NamedTuple):
    """Names by their words (lower-cased, joined by blanks), and how many words the longest has."""

    spelt: dict[str, str]
    longest: int


def plain(text: str) -> str:
    """Drop what a strict score ignores: case, outer white space, one final full stop."""
    return text.strip().casefold().removesuffix(".").rstrip()


@lru_cache(maxsize=1 << 14)
def by_words(names: tuple[str, ...]) -> Names:
    """Key names by their words."""
    spelt = {" ".join(_WORD.findall(name.casefold())): name for name in names}
    spelt.pop("", None)
    return Names(spelt, max((words.count(" ") + 1 for words in spelt), default=0))


def find_names(vocabularies: Sequence[Names], text: str) -> list[str]:
    """Find names as whole words from left to right, at each place the longest one.

    A name of several vocabularies is spelt as in the first. A name inside a longer name does not count.
    """
    words, found, at = _WORD.findall(text.casefold()), [], 0
    longest = max(names.longest for names in vocabularies)
    while at < len(words):
        size = min(longest, len(words) - at)
        while size and (name := _name(vocabularies, " ".join(words[at : at + size]))) is None:
            size -= 1
        if size and name is not None:
            found.append(name)
        at += max(size, 1)
    return found


def implied(names: Names) -> tuple[str, ...]:
    """Return the names that compete wherever one of them is right: yes and no."""
    return () if names.spelt.keys().isdisjoint(YES_NO) else YES_NO


def _name(vocabularies: Sequence[Names], words: str) -> str | None:
    for names in vocabularies:
        if words in names.spelt:
            return names.spelt[words]
    return None
