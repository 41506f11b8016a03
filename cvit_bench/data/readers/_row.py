"""What the formats share: rows become samples one by one, pictures are found inside their folders."""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record
from cvit_bench.records.files import inside
from cvit_bench.records.load import problems
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.split import Beside

Answer = Annotated[str, StringConstraints(pattern=r"\S")]
R = TypeVar("R")
LETTERS = "ABCDEFGHIJ"
"""What options are called by."""


class Row(Record):
    """The text fields of a sample as they stand in a file."""

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answers: tuple[Answer, ...] = Field(min_length=1)
    choices: tuple[str, ...] | None = None


def sample_of_row(place: str, row: dict[str, Any], picture: Picture | None) -> Sample:
    """Check a row's fields and make the sample; `place` names file and row in messages."""
    try:
        checked = Row.model_validate(row)
    except ValidationError as error:
        raise CvitBenchError("\n".join(problems(place, error, Row, {}))) from error
    return Sample(checked.id, checked.question, checked.answers, checked.choices or (), picture, place=place)


def each(rows: Iterable[R], samples: Callable[[R], Iterable[Sample]], beside: Beside) -> Iterator[Sample]:
    """Yield the samples of every row; a faulty row, and a file that breaks off, go to `beside.refuse`."""
    left = iter(rows)
    while True:
        try:
            row = next(left)
        except StopIteration:
            return
        except CvitBenchError as error:
            return beside.refuse(error)
        try:
            found = list(samples(row))
        except CvitBenchError as error:
            beside.refuse(error)
            continue
        yield from found


class Pictures:
    """The pictures that a file names, each made once: a name that comes again is the same picture."""

    def __init__(self, path: Path, beside: Beside) -> None:
        self._folders = beside.images or (path.parent,)
        self._fit = beside.fit
        self._found: dict[str, Picture] = {}

    def find(self, place: str, name: Any) -> Picture:
        """Return the picture of that name; it lies in a folder of pictures, whether it is there or not."""
        if not isinstance(name, str) or not name:
            raise CvitBenchError(f"{place}: image: expected the path of a file (got {name!r})")
        if name not in self._found:
            self._found[name] = Picture(str(self._path(place, name)), fit=self._fit)
        return self._found[name]

    def first(self, place: str, names: Iterable[str]) -> Picture:
        """Return the picture under the first of several names that is there, or under the last."""
        for name in (several := list(names)):
            picture = self.find(place, name)
            if Path(picture.place).is_file():
                return picture
        return self.find(place, several[-1])

    def _path(self, place: str, name: str) -> Path:
        places = [_inside(folder, name, place) for folder in self._folders]
        return next((path for path in places[:-1] if path.is_file()), places[-1])


def _inside(folder: Path, name: str, place: str) -> Path:
    try:
        target = inside(folder, name)
    except ValueError as error:
        raise CvitBenchError(
            f"{place}: image: expected the path of a file (got {name!r}): {error}"
        ) from error
    if target is None:
        raise CvitBenchError(f"{place}: image: {name} lies outside {folder}")
    return target


def text_of(place: str, key: str, value: Any) -> str:
    """Return a text that must not be blank; numbers are written out, `nan` and `inf` are none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        shown = "" if value is None else f" (got {value!r})"
        raise CvitBenchError(f"{place}: {key}: expected a text{shown}")
    return value


def needed(place: str, row: dict[str, Any], key: str) -> Any:
    """Return a field that a row must have."""
    if key not in row:
        raise CvitBenchError(f"{place}: {key}: this key is required")
    return row[key]


def name_of(place: str, row: dict[str, Any], *keys: str) -> str:
    """Return a row's id, the first of several keys that it has."""
    key = next((key for key in keys if key in row), keys[0])
    found = text_of(place, key, needed(place, row, key))
    return found.strip()


def texts_of(place: str, key: str, value: Any) -> tuple[str, ...]:
    """Return one text or a list of texts, none blank, as a tuple."""
    if not isinstance(value, list):
        return (text_of(place, key, value),)
    if not value:
        raise CvitBenchError(f"{place}: {key}: holds no answer")
    return tuple(text_of(place, f"{key}.{at}", one) for at, one in enumerate(value))


def letter_of(place: str, key: str, at: Any, num_choices: int) -> str:
    """Return the letter of a choice that is given by its number, from 0 on."""
    last = min(num_choices, len(LETTERS)) - 1
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at <= last:
        raise CvitBenchError(
            f"{place}: {key}: expected the number of one of the choices, 0 to {last} (got {at!r})"
        )
    return LETTERS[at]


def without_instruction(prompt: str) -> str:
    """Return a published prompt without its last line, which says how to answer, where it has several."""
    question, _, _ = prompt.rpartition("\n")
    return question.strip() or prompt


def answers_of(place: str, given: Any) -> tuple[str, ...]:
    """Return the texts of a list of `{"answer": …}`."""
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise CvitBenchError(f'{place}: answers: expected a list of {{"answer": …}}')
    return tuple(text_of(place, "answers: answer", one.get("answer")) for one in given)
