"""Folders that are written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.begun import begun


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a place for a folder of the same name, which is moved to `path` at the end, or is gone."""
    try:
        with begun(path, is_folder=True) as beside:
            yield beside / path.name
            (beside / path.name).replace(path)
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be written ({error.strerror or error})") from error
