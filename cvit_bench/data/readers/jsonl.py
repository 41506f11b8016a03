"""JSON lines with id, question, answers and, where there are any, choices and image (a path beside it)."""

import json
from collections.abc import Iterator
from pathlib import Path

from cvit_bench.data.readers._row import sample_of_row
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Sample


def read(path: Path) -> Iterator[Sample]:
    """Yield the samples of a JSONL file in file order."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _sample(path, f"{path}:{number}", line)
    except UnicodeDecodeError as error:
        raise CvitBenchError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error


def _sample(path: Path, place: str, line: str) -> Sample:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise CvitBenchError(f"{place}: not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise CvitBenchError(f"{place}: expected keys and values, got {type(row).__name__}")
    image = row.pop("image", None)
    picture = None if image is None else Picture(str(_inside(path.parent, str(image), place)))
    return sample_of_row(place, row, picture)


def _inside(folder: Path, image: str, place: str) -> Path:
    target = (folder / image).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise CvitBenchError(f"{place}: image: {image} lies outside {folder}")
    return target
