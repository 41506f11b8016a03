"""COCO's caption files: pictures, and captions that name theirs; all captions of one are its references.

    {"images": [{"id": 1, "file_name": "a.jpg"}, …], "annotations": [{"image_id": 1, "caption": …}, …]}

UCIT publishes the references of Flickr30k and VizWiz-Captions this way.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._json import Item, fields, items
from cvit_bench.data.readers._row import Pictures, each, name_of, needed, text_of
from cvit_bench.records.sample import Sample
from cvit_bench.records.split import ALONE, Beside

CAPTION = "What is shown in the image?"


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the pictures in file order, each with its captions."""
    pictures = Pictures(path, beside)
    captions: defaultdict[str, list[str]] = defaultdict(list)
    for item in items(path, "annotations"):
        row, place = fields(path, item), f"{path}:{item.line}"
        captions[name_of(place, row, "image_id")].append(
            text_of(place, "caption", needed(place, row, "caption"))
        )

    def samples(item: Item) -> Iterator[Sample]:
        row, place = fields(path, item), f"{path}:{item.line}"
        name = name_of(place, row, "id")
        picture = pictures.find(f"{place}: id {name}", needed(place, row, "file_name"))
        yield Sample(name, CAPTION, tuple(captions[name]), picture=picture, place=place)

    return each(items(path, "images"), samples, beside)
