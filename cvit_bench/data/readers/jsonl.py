"""JSON lines with id, question, answers and, where there are any, choices and image (a path beside it)."""

from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._json import Item, fields, lines
from cvit_bench.data.readers._row import Pictures, each, sample_of_row
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the samples of a JSONL file in file order."""
    pictures = Pictures(path, beside)

    def samples(item: Item) -> Iterator[Sample]:
        row = dict(fields(path, item))
        place, image = f"{path}:{item.line}", row.pop("image", None)
        yield sample_of_row(place, row, None if image is None else pictures.find(place, image))

    return each(lines(path), samples, beside)
