"""OCR-VQA's `dataset.json`: a book cover with several questions, each a sample of its own.

    {"0310599911": {"imageURL": "http://…/51….jpg", "title": …, "questions": ["…", …], "answers": ["…", …],
                    "split": 1}, …}

Parts: `train` (1), `val` (2), `test` (3); none: all. Pictures are `<key>.<ending of the URL>`, as the
published loader names them; sample ids are `<key>_<number of the question, from 0>`.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from cvit_bench.data.readers._json import Item, fields, items
from cvit_bench.data.readers._row import Pictures, each, needed, text_of, texts_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside
from cvit_bench.text import unknown_name

PARTS = {"train": 1, "val": 2, "test": 3}


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the questions of a part in file order."""
    if beside.part is not None and beside.part not in PARTS:
        raise CvitBenchError(f"{path}: {unknown_name('part', beside.part, PARTS)}")
    pictures = Pictures(path, beside)

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}: id {item.key}"
        if beside.part is not None and needed(place, row, "split") != PARTS[beside.part]:
            return
        picture = pictures.first(place, _names(place, item.key, row))
        questions, answers = (
            texts_of(place, key, needed(place, row, key)) for key in ("questions", "answers")
        )
        if len(questions) != len(answers):
            raise CvitBenchError(f"{place}: {len(questions)} questions, but {len(answers)} answers")
        for at, (question, answer) in enumerate(zip(questions, answers, strict=True)):
            yield Sample(
                f"{item.key}_{at}", question, (answer,), picture=picture, place=f"{path}:{item.line}"
            )

    return each(items(path), samples, beside)


def _names(place: str, key: str, row: dict[str, Any]) -> tuple[str, ...]:
    url = text_of(place, "imageURL", row.get("imageURL", f"{key}.jpg"))
    try:
        ending = PurePosixPath(urlparse(url).path).suffix
    except ValueError as error:
        raise CvitBenchError(f"{place}: imageURL: {error} (got {url!r})") from error
    return (f"{key}{ending or '.jpg'}", f"{key}.jpg")
