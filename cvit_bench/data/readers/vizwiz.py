"""VizWiz-VQA's annotations: an array with the picture's name as the only id.

    [{"image": "VizWiz_val_00000000.jpg", "question": …, "answers": [{"answer": …, "answer_confidence": …},
      … ten of them], "answer_type": …, "answerable": 1}, …]

The test file has no answers.
"""

from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._json import Item, fields, items
from cvit_bench.data.readers._row import Pictures, answers_of, each, name_of, needed, text_of
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the questions in file order."""
    pictures = Pictures(path, beside)

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}"
        name = name_of(place, row, "image")
        place = f"{place}: id {name}"
        yield Sample(
            name,
            text_of(place, "question", needed(place, row, "question")),
            answers_of(place, row["answers"]) if "answers" in row else (),
            picture=pictures.find(place, name),
            place=f"{path}:{item.line}",
        )

    return each(items(path), samples, beside)
