"""Small pure functions on text: suggestions, normalised answers, words."""

import difflib
import json
import re
from collections.abc import Iterable

_EDGE = re.compile(r"^[\W_]+|(?<![\W_])[\W_]+$")
_BREAK = re.compile(r"[\s-]+")
_LABEL = re.compile(r"\W*[A-Za-z]\W*$|\W*[A-Za-z][.):\]]|[b-hB-H] |.*[(\[][A-Za-z][)\]]", re.DOTALL)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE_BYTES = re.compile(_SURROGATE.pattern.encode())
_FORMULA = ("=", "+", "-", "@", "\t")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NAMES = (*_UNITS, *_TEENS, *(f"{ten} {unit}".removesuffix(" zero") for ten in _TENS for unit in _UNITS))
NUMBER_WORDS = {**{name: str(value) for value, name in enumerate(_NAMES)}, "one hundred": "100"}


def known(names: Iterable[str]) -> str:
    """Return the known names as one line for an error message."""
    return ", ".join(sorted(names)) or "none"


def unknown_name(kind: str, name: str, names: Iterable[str]) -> str:
    """Return `unknown KIND 'x' (known: a, b). Did you mean 'a'?`."""
    listed = sorted(names)
    message = f"unknown {kind} {name!r} (known: {known(listed)})"
    close = difflib.get_close_matches(name, listed, n=1, cutoff=0.6)
    return f"{message}. Did you mean {close[0]!r}?" if close else message


def counted(num: int, one: str) -> str:
    """Return a number with its regular noun: `1 cell`, `2 cells`, `1,234 cells`."""
    return f"{num:,} {one if num == 1 else f'{one}s'}"


def one_space(text: str) -> str:
    """Strip both ends and fold every run of white space into one blank."""
    return " ".join(text.split())


def bare(text: str) -> str:
    """Lower-case, fold white space and strip punctuation from both ends: `' A cat. '` becomes `'a cat'`."""
    return _EDGE.sub("", one_space(text).casefold())


def spelt(text: str) -> str:
    """Give number words one spelling: `' Twenty-one. '` becomes `'twenty one'`."""
    return _BREAK.sub(" ", bare(text))


def has_option_label(text: str) -> bool:
    """Tell whether an option's letter stands in a text, alone or as a label: `B`, `B.`, `(b)`, `B red`.

    `A red cat` is an article before words, not a label.
    """
    return _LABEL.match(text) is not None


def words(text: str) -> list[str]:
    """Split at white space."""
    return text.split()


def refuse_half_pairs(raw: str | bytes, value: object) -> None:
    """Raise ValueError where a JSON value, read from `raw`, holds half of a surrogate pair.

    JSON can say it by an escape, but it is no text: no file can be written with it.
    """
    said = _SURROGATE_BYTES.search(raw) if isinstance(raw, bytes) else _SURROGATE.search(raw)
    try:
        if said:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("a text holds half of a surrogate pair") from error


def visible(text: str) -> str:
    """Return text for a terminal: control characters, which could command it, become �."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def first_line(error: BaseException, limit: int = 300) -> str:
    """Return the first line of an error's message, or the error's name when it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:limit] if lines else type(error).__name__


def spreadsheet_cell(value: object) -> object:
    """Return a value for a CSV file: text that would run as a formula gets a quote before it."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULA) else text


def latex(text: str) -> str:
    """Return text that LaTeX prints as it is, on one line."""
    return "".join(_LATEX.get(sign, sign) for sign in one_space(text))
