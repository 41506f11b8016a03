"""TextVQA's and TextCaps' annotations: `{"data": [...]}`.

    TextVQA   {"question_id": 34602, "image_id": "003a…", "question": …, "answers": ["…", … ten of them]}
    TextCaps  {"image_id": "003a…", "caption_id": …, "reference_strs": ["…", … five of them]}

TextVQA's test file has no answers. A picture of TextCaps has a row for each caption, all with the same
references: it is one sample, named by its picture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._json import Item, fields, items
from cvit_bench.data.readers._row import Pictures, each, name_of, needed, text_of, texts_of
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside

CAPTION = "What is shown in the image, with the text in it?"


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield questions, or pictures with their captions, in file order."""
    pictures = Pictures(path, beside)
    captioned: set[str] = set()

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}"
        is_caption = "question" not in row and ("reference_strs" in row or "caption_id" in row)
        name = name_of(place, row, "image_id" if is_caption else "question_id")
        if is_caption and name in captioned:
            return
        captioned.add(name)
        place = f"{place}: id {name}"
        question = CAPTION if is_caption else text_of(place, "question", needed(place, row, "question"))
        answers = _answers(place, row, "reference_strs" if is_caption else "answers")
        image = text_of(place, "image_id", needed(place, row, "image_id"))
        yield Sample(
            name, question, answers, picture=pictures.find(place, f"{image}.jpg"), place=f"{path}:{item.line}"
        )

    return each(items(path, "data"), samples, beside)


def _answers(place: str, row: dict[str, Any], key: str) -> tuple[str, ...]:
    return texts_of(place, key, row[key]) if key in row else ()
