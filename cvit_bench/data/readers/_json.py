"""JSON files item by item, each with its line: an array, an object, or either below a key; and JSON lines.

A file is decoded one item after the other, so that a fault is known by its line and a file that was cut off
gives what stands before the cut.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cvit_bench.errors import CvitBenchError
from cvit_bench.text import refuse_half_pairs

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Item:
    """A value of a file: its line, its key inside an object ("" in an array), itself."""

    line: int
    key: str
    value: Any


def items(path: Path, below: str | None = None) -> Iterator[Item]:
    """Yield the items of the array or object that a file holds, or holds below the key `below`."""
    scan = _Scan(path, read_text(path))
    if below is None:
        yield from scan.items()
        scan.end()
        return
    for key in scan.names():
        if key == below:
            yield from scan.items()
            return
        scan.value()
    raise CvitBenchError(f"{path}: holds no key {below!r}")


def lines(path: Path) -> Iterator[Item]:
    """Yield the values of a file of JSON lines; blank lines are skipped."""
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield Item(number, "", _line(f"{path}:{number}", line))


def rows(path: Path) -> Iterator[Item]:
    """Yield the items of a JSON array, or of JSON lines: the first character tells which it is."""
    with _opened(path) as stream:
        head = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    return items(path) if head.startswith(b"[") else lines(path)


def read_text(path: Path) -> str:
    """Return a file's text; a byte that is no UTF-8 is named with its line."""
    with _opened(path) as stream:
        data = stream.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CvitBenchError(f"{path}:{line}: not UTF-8 text (byte {error.start} of the file)") from error


def fields(path: Path, item: Item) -> dict[str, Any]:
    """Return an item that has to be an object."""
    if not isinstance(item.value, dict):
        got = type(item.value).__name__
        raise CvitBenchError(f"{path}:{item.line}: expected keys and values, got {got}")
    return item.value


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error


def _line(place: str, line: bytes) -> Any:
    try:
        value = json.loads(line.decode("utf-8-sig"))
        refuse_half_pairs(line, value)
    except UnicodeDecodeError as error:
        raise CvitBenchError(f"{place}: not UTF-8 text (byte {error.start} of the line)") from error
    except (ValueError, RecursionError) as error:
        raise CvitBenchError(f"{place}: not valid JSON: {error}") from error
    return value


class _Scan:
    """A place in the text of a JSON file, and its line."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.at, self.line, self._counted = 0, 1, 0

    def items(self) -> Iterator[Item]:
        """Yield what the array or object that begins here holds."""
        opening = self._peek()
        if opening == "{":
            for key in self.names():
                yield Item(self._line(), key, self.value())
            return
        self._take("[", "an array or an object")
        while self._more("]"):
            line = self._line()
            yield Item(line, "", self.value())

    def names(self) -> Iterator[str]:
        """Yield the keys of the object that begins here; whoever asks takes the value behind each."""
        self._take("{", "an object")
        while self._more("}"):
            key = self.value()
            if not isinstance(key, str):
                raise self._broken("a key must be a string")
            self._take(":", "a colon")
            self._peek()
            yield key

    def value(self) -> Any:
        """Take one value."""
        self._peek()
        try:
            found, end = _DECODER.raw_decode(self.text, self.at)
            refuse_half_pairs(self.text[self.at : end], found)
        except json.JSONDecodeError as error:
            self.at = error.pos
            is_cut = error.msg.startswith("Unterminated string")
            raise self._broken(error.msg, is_cut) from error
        except RecursionError as error:
            raise self._broken("nested too deeply") from error
        except ValueError as error:
            raise self._broken(str(error)) from error
        self.at = end
        return found

    def end(self) -> None:
        """Refuse anything behind the last value."""
        if self._peek():
            raise self._broken("there is more behind the end")

    def _more(self, closing: str) -> bool:
        """Step to the next item, over its comma; False at the end."""
        is_first = self.text[self.at - 1] in "[{"
        found = self._peek()
        if found == closing:
            self.at += 1
            return False
        if not is_first:
            self._take(",", f"a comma or {closing}")
            self._peek()
        return True

    def _take(self, wanted: str, what: str) -> None:
        if self._peek() != wanted:
            raise self._broken(f"expected {what}")
        self.at += 1

    def _peek(self) -> str:
        """Skip white space; return the character there, "" at the end."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def _line(self) -> int:
        self.line += self.text.count("\n", self._counted, self.at)
        self._counted = max(self.at, self._counted)
        return self.line

    def _broken(self, what: str, is_cut: bool = False) -> CvitBenchError:
        is_cut = is_cut or self.at >= len(self.text.rstrip())
        said = "the file ends too early" if is_cut else what
        return CvitBenchError(f"{self.path}:{self._line()}: not valid JSON: {said}")
