"""The question files of CoIN, CVIT (SMoLoRA) and UCIT: a JSON array or JSON lines.

    [{"question_id": …, "image": "folder/a.jpg", "text": "…", "answer": "…" or ["…", …]}, …]
    [{"question_id": …, "image": …, "text": …, "answer_bbox": "[0.1, 0.2, 0.3, 0.4]", "size": [w, h]}, …]

`text` is the prompt as published; without its last line it is the question (boxes: all of it). `image` may
lack. `answer` may lack where the references stand in another file. A box is x1, y1, x2, y2 as shares of the
picture padded to a square.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._json import Item, fields, rows
from cvit_bench.data.readers._row import (
    Pictures,
    each,
    name_of,
    needed,
    text_of,
    texts_of,
    without_instruction,
)
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside

_NUMBER = r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+))\s*"
_BOX = re.compile(rf"\s*\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]\s*")


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the samples of a question file in file order."""
    pictures = Pictures(path, beside)

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}"
        name = name_of(place, row, "question_id", "id")
        place = f"{place}: id {name}"
        prompt = text_of(place, "text", needed(place, row, "text")).replace("<image>", "").strip()
        is_box = "answer_bbox" in row
        yield Sample(
            name,
            prompt if is_box else without_instruction(prompt),
            (_box(place, row["answer_bbox"]),) if is_box else _answers(place, row),
            picture=pictures.find(place, row["image"]) if row.get("image") is not None else None,
            prompt=text_of(place, "text", prompt),
            place=f"{path}:{item.line}",
        )

    return each(rows(path), samples, beside)


def _answers(place: str, row: dict[str, Any]) -> tuple[str, ...]:
    return texts_of(place, "answer", row["answer"]) if "answer" in row else ()


def _box(place: str, given: Any) -> str:
    """Return a box as it is written; raise when it is none, lies outside the picture or has no area."""
    text = str(given) if isinstance(given, list) else given
    found = _BOX.fullmatch(text) if isinstance(text, str) else None
    left, top, right, bottom = map(float, found.groups()) if found else (1.0, 1.0, 0.0, 0.0)
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise CvitBenchError(
            f"{place}: answer_bbox: expected [x1, y1, x2, y2] with 0 ≤ x1 < x2 ≤ 1 and 0 ≤ y1 < y2 ≤ 1 "
            f"(got {given!r})"
        )
    return str(text).strip()
