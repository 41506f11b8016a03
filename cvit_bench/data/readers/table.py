"""A parquet or Arrow file of any columns, through `datasets`, row by row; `columns` says which is which.

Ours: `id`, `image`, `question`, `answers`, `choices`. `image` may be encoded bytes, the hub's
`{"bytes": …, "path": …}` or the path of a file; `answers` a text, a number, a list of texts, or a list of
`{"answer": …}`; with `choices`, a whole number is the place of the right one. Without ids rows are numbered
from 1.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._row import Pictures, answers_of, each, letter_of, needed, text_of, texts_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.split import ALONE, Beside
from cvit_bench.text import unknown_name

COLUMNS = ("id", "image", "question", "answers", "choices")


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the rows of a file in order; only a part of it is in memory at a time."""
    return samples_of(str(path), _rows(path), beside, Pictures(path, beside))


def samples_of(
    name: str, rows: Iterable[Mapping[str, Any]], beside: Beside, pictures: Pictures
) -> Iterator[Sample]:
    """Turn rows into samples; `name` is that of their file or dataset in messages."""
    unknown = sorted(set(beside.columns) - set(COLUMNS))
    if unknown:
        raise CvitBenchError(f"{name}: columns: {unknown_name('column', unknown[0], COLUMNS)}")
    theirs = {ours: beside.columns.get(ours, ours) for ours in COLUMNS}

    def samples(pair: tuple[int, Mapping[str, Any]]) -> Iterator[Sample]:
        number, found = pair
        place = f"{name} row {number}"
        row = {ours: found[column] for ours, column in theirs.items() if found.get(column) is not None}
        sample = text_of(place, "id", row.get("id", number)).strip()
        place = f"{place}: id {sample}"
        choices = texts_of(place, "choices", row["choices"]) if row.get("choices") else ()
        yield Sample(
            sample,
            text_of(place, "question", needed(place, row, "question")),
            _answers(place, row, choices),
            choices,
            _picture(place, row.get("image"), pictures, beside),
            place=f"{name} row {number}",
        )

    return each(enumerate(rows, start=1), samples, beside)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a parquet or Arrow file as `datasets` reads it, pictures left encoded."""
    import pyarrow as pa
    from datasets import IterableDataset

    if not path.is_file():
        raise CvitBenchError(f"{path}: cannot be read (No such file or directory)")
    try:
        if path.suffix == ".arrow":
            from datasets import Dataset

            rows = Dataset.from_file(str(path)).to_iterable_dataset()
        else:
            rows = IterableDataset.from_parquet(str(path))
        yield from rows.decode(False) if rows.features else rows
    except (pa.ArrowException, OSError, ValueError, TypeError, AttributeError) as error:
        raise CvitBenchError(f"{path}: cannot be read as a table ({error})") from error


def _answers(place: str, row: Mapping[str, Any], choices: tuple[str, ...]) -> tuple[str, ...]:
    given = row.get("answers")
    if given is None:
        return ()
    if choices and isinstance(given, int):
        return (letter_of(place, "answers", given, len(choices)),)
    given = list(given) if isinstance(given, list | tuple) else given
    if isinstance(given, list) and given and isinstance(given[0], dict):
        return answers_of(place, given)
    return texts_of(place, "answers", given)


def _picture(place: str, given: Any, pictures: Pictures, beside: Beside) -> Picture | None:
    found = given.get("bytes") or given.get("path") if isinstance(given, dict) else given
    if found is None:
        return None
    if isinstance(found, bytes):
        return Picture(place, found, beside.fit)
    return pictures.find(place, found)
