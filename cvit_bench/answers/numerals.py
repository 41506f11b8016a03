"""Numbers in an answer, each in one spelling, so that equal values are equal texts."""

import re
from collections.abc import Sequence

from cvit_bench.answers.names import by_words, find_names
from cvit_bench.text import NUMBER_WORDS

_NUMBER = re.compile(r"[-+]?(?<![\w.])\d+(?:[.,]\d+)*(?![^\W_])")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_WORDS = by_words(tuple(NUMBER_WORDS))


def find_numbers(text: str) -> Sequence[str]:
    """Find numbers in one spelling; number words up to one hundred count where no digit stands."""
    digits = _NUMBER.findall(text)
    if digits:
        return [canonical(number) for number in digits]
    return [NUMBER_WORDS[name] for name in find_names((_WORDS,), text)]


def canonical(number: str) -> str:
    """Give `3`, `+3.0` and `3,0` one spelling, and `1,000` and `1000` another."""
    plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number.replace(",", ".")
    whole, _, part = plain.lstrip("+-").partition(".")
    sign = "-" if plain.startswith("-") else ""
    return f"{sign}{whole.lstrip('0') or '0'}.{part.rstrip('0')}".rstrip(".")


def numeral(text: str) -> str | None:
    """Return a text that is one numeral in digits in its one spelling, and None for any other text."""
    return canonical(text) if _NUMBER.fullmatch(text) else None
