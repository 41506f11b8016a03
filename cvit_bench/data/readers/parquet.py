"""Parquet with columns id, image (encoded bytes), question, choices and answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._row import each, sample_of_row
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.split import ALONE, Beside

COLUMNS = ("id", "image", "question", "choices", "answers")


def read(path: Path, beside: Beside = ALONE) -> Iterator[Sample]:
    """Yield the samples of a parquet file in file order, one row group in memory at a time."""
    return each(enumerate(_rows(path), start=1), lambda pair: [_sample(path, *pair, beside)], beside)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        missing = sorted(set(COLUMNS) - set(file.schema_arrow.names))
        if missing:
            raise CvitBenchError(
                f"{path}: missing column {', '.join(missing)} (needed: {', '.join(COLUMNS)})"
            )
        for batch in file.iter_batches(columns=list(COLUMNS)):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CvitBenchError(f"{path}: cannot be read as parquet ({error})") from error


def _sample(path: Path, number: int, row: dict[str, Any], beside: Beside) -> Sample:
    image = row.pop("image")
    place = f"{path} row {number}"
    if not isinstance(image, bytes | None):
        raise CvitBenchError(f"{place}: image: expected encoded bytes, got {type(image).__name__}")
    picture = Picture(place, image, beside.fit) if image is not None else None
    return sample_of_row(place, row, picture)
