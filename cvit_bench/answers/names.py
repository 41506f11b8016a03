"""Names as whole words in an answer, each place read as the longest name that stands there."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

YES_NO = ("yes", "no")
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")


class Names(NamedTuple):
    """Names by their words (lower-cased, joined by blanks), their first words, words of the longest one."""

    spelt: dict[str, str]
    firsts: frozenset[str]
    longest: int


def plain(text: str) -> str:
    """Drop what a strict score ignores: case, outer white space, one final full stop."""
    return text.strip().casefold().removesuffix(".").rstrip()


@lru_cache(maxsize=1 << 14)
def by_words(names: tuple[str, ...]) -> Names:
    """Key names by their words."""
    spelt = {" ".join(_WORD.findall(name.casefold())): name for name in names}
    spelt.pop("", None)
    firsts = frozenset(words.partition(" ")[0] for words in spelt)
    return Names(spelt, firsts, max((words.count(" ") + 1 for words in spelt), default=0))


def find_names(vocabularies: Sequence[Names], text: str) -> list[str]:
    """Find names as whole words from left to right, at each place the longest one.

    A name of several vocabularies is spelt as in the first. A name inside a longer name does not count.
    """
    words, found, at = _WORD.findall(text.casefold()), [], 0
    while at < len(words):
        size, name = _longest_at(vocabularies, words, at)
        if name is not None:
            found.append(name)
        at += size
    return found


def implied(names: Names) -> tuple[str, ...]:
    """Return the names that compete wherever one of them is right: yes and no."""
    return () if names.spelt.keys().isdisjoint(YES_NO) else YES_NO


def _longest_at(vocabularies: Sequence[Names], words: Sequence[str], at: int) -> tuple[int, str | None]:
    """Return the longest name that begins at a word, with its number of words; 1 and None for no name."""
    able = [names for names in vocabularies if words[at] in names.firsts]
    longest = min(max((names.longest for names in able), default=0), len(words) - at)
    for size in range(longest, 0, -1):
        said = " ".join(words[at : at + size])
        for names in able:
            if said in names.spelt:
                return size, names.spelt[said]
    return 1, None
