"""VLMEvalKit's tables: tab-separated, the picture in base64 inside.

Columns `index`, `image` or `image_path`, `question`, `answer` and, for multiple choice, `A`, `B`, …; `hint`
is put before the question. An `image` that is the index of another row is that row's picture. An `answer`
that is a list in brackets holds several references. Without a column `answer` there is none.
"""

import ast
import base64
import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._json import read_text
from cvit_bench.data.readers._row import LETTERS, Pictures, each, text_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.split import ALONE, Beside

_SHORTEST_IMAGE = 64
"""Characters; anything shorter is the index of another row, as VLMEvalKit reads it."""

Line = tuple[int, dict[str, str]]


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the rows in file order."""
    try:
        table = list(_table(path))
    except CvitBenchError as error:
        return beside.refuse(error)
    pictures = Pictures(path, beside)
    images = {row["index"]: row["image"] for _, row in table if row.get("image")}

    def samples(line: Line) -> Iterator[Sample]:
        number, row = line
        name = text_of(f"{path}:{number}", "index", row["index"]).strip()
        place = f"{path}:{number}: id {name}"
        choices = tuple(row[letter] for letter in LETTERS if row.get(letter))
        hint = row.get("hint", "").strip()
        question = text_of(place, "question", row["question"])
        yield Sample(
            name,
            f"{hint}\n{question}" if hint else question,
            _answers(place, row),
            choices,
            _picture(place, row, images, pictures, beside),
            place=f"{path}:{number}",
        )

    yield from each(table, samples, beside)


def _table(path: Path) -> Iterator[Line]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter="\t", strict=True)
    try:
        missing = [name for name in ("index", "question") if name not in (rows.fieldnames or ())]
        if missing:
            raise CvitBenchError(f"{path}:1: missing column {', '.join(missing)}")
        for row in rows:
            if None in row or None in row.values():
                raise CvitBenchError(f"{path}:{rows.line_num}: not as many fields as columns")
            yield rows.line_num, row
    except csv.Error as error:
        raise CvitBenchError(f"{path}:{rows.line_num}: not a table of tabs ({error})") from error


def _answers(place: str, row: dict[str, str]) -> tuple[str, ...]:
    if "answer" not in row:
        return ()
    text = text_of(place, "answer", row["answer"])
    try:
        several = ast.literal_eval(text) if text.lstrip().startswith("[") else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        several = None
    if isinstance(several, list) and several and all(isinstance(one, str) and one.strip() for one in several):
        return tuple(several)
    return (text,)


def _picture(
    place: str, row: dict[str, str], images: dict[str, str], pictures: Pictures, beside: Beside
) -> Picture | None:
    encoded = row.get("image", "")
    if 0 < len(encoded) <= _SHORTEST_IMAGE:
        if encoded not in images or len(images[encoded]) <= _SHORTEST_IMAGE:
            raise CvitBenchError(f"{place}: image: {encoded!r} is the index of no row with a picture")
        encoded = images[encoded]
    if encoded:
        return Picture(place, _decoded(place, encoded), beside.fit)
    return pictures.find(place, row["image_path"]) if row.get("image_path") else None


def _decoded(place: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise CvitBenchError(f"{place}: image: not base64 ({error})") from error
