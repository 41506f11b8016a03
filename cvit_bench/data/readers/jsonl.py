"""JSON lines with id, question, answers and, where there are any, choices and image (a path beside it)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvit_bench.data.readers._row import sample_of_row
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample


def read(path: Path) -> Iterator[Sample]:
    """Yield the samples of a JSONL file in file order."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _sample(path, f"{path}:{number}", line)
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error


def _sample(path: Path, place: str, line: bytes) -> Sample:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CvitBenchError(f"{place}: not UTF-8 text (byte {error.start} of the line)") from error
    except (ValueError, RecursionError) as error:
        raise CvitBenchError(f"{place}: not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise CvitBenchError(f"{place}: expected keys and values, got {type(row).__name__}")
    image = row.pop("image", None)
    picture = None if image is None else Picture(str(_inside(path.parent, image, place)))
    return sample_of_row(place, row, picture)


def _inside(folder: Path, image: Any, place: str) -> Path:
    try:
        target = (folder / image).resolve()
    except (TypeError, ValueError) as error:
        raise CvitBenchError(f"{place}: image: expected the path of a file (got {image!r})") from error
    if not target.is_relative_to(folder.resolve()):
        raise CvitBenchError(f"{place}: image: {image} lies outside {folder}")
    return target
