"""GQA's question files: `{"question id": {"question": …, "answer": …, "imageId": …, "isBalanced": true}, …}`.

Questions that a file marks as not balanced are left out, as the official accuracy does. The test and
challenge files have no answers.
"""

from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._json import Item, fields, items
from cvit_bench.data.readers._row import Pictures, each, needed, text_of
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the balanced questions in file order."""
    pictures = Pictures(path, beside)

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}: id {item.key}"
        if row.get("isBalanced", True) is False:
            return
        image = text_of(place, "imageId", needed(place, row, "imageId"))
        yield Sample(
            item.key,
            text_of(place, "question", needed(place, row, "question")),
            (text_of(place, "answer", row["answer"]),) if "answer" in row else (),
            picture=pictures.find(place, f"{image}.jpg"),
            place=f"{path}:{item.line}",
        )

    return each(items(path), samples, beside)
