"""VLMEvalKit's prediction tables: `<stage>/…/<model>_<dataset>.tsv|csv|xlsx` with `index` and `prediction`.

Every model folder is a stage; the file names lose the name of any folder they lie in. Tables without the two
columns (its scores and judgements) are passed over, and a failure text is never an answer.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import Answer, FoundCell, folders, name_of
from cvit_bench.text import first_line

TITLE = "VLMEvalKit tables"
_ENDINGS = (".tsv", ".csv", ".xlsx")
_FAILED = "Failed to obtain answer"


def find(path: Path) -> list[FoundCell]:
    """Return the cells of a folder of model folders."""
    return [
        FoundCell(stage.name, _dataset(path, file), file, partial(_answers, file))
        for stage in folders(path)
        for file in sorted({found.resolve() for found in stage.rglob("*") if found.suffix in _ENDINGS})
        if {"index", "prediction"} <= set(_head(file))
    ]


def _dataset(root: Path, file: Path) -> str:
    """Return the file's name without the longest name of a folder above it that it begins with."""
    above = [folder.name for folder in file.parents if folder.is_relative_to(root.resolve())]
    prefixes = [name for name in above if file.stem.startswith(f"{name}_")]
    return file.stem.removeprefix(f"{max(prefixes, key=len)}_") if prefixes else file.stem


def _answers(file: Path) -> Iterator[Answer]:
    rows = _rows(file)
    columns = {name: at for at, name in enumerate(next(rows)[1])}
    for line, row in rows:
        cells = {name: row[at] for name, at in columns.items() if at < len(row)}
        text = cells.get("prediction")
        text = "" if text is None else str(text)
        if text.startswith(_FAILED):
            raise CvitBenchError(f"{file}:{line}: prediction: {text[:60]!r} is a failure, not an answer")
        if cells.get("index") in (None, ""):
            raise CvitBenchError(f"{file}:{line}: index: this row has none")
        question = cells.get("question")
        yield Answer(
            file, line, (name_of(cells["index"]),), text, None if question is None else str(question)
        )


def _head(file: Path) -> list[str]:
    return [str(name) for name in next(_rows(file), (0, []))[1]]


def _rows(file: Path) -> Iterator[tuple[int, list[Any]]]:
    """Yield line (row of a sheet) and cells."""
    return _sheet(file) if file.suffix == ".xlsx" else _text_table(file)


def _text_table(file: Path) -> Iterator[tuple[int, list[Any]]]:
    csv.field_size_limit(sys.maxsize)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, delimiter="\t" if file.suffix == ".tsv" else ",")
            before = 0
            for row in rows:
                yield before + 1, row
                before = rows.line_num
    except UnicodeDecodeError as error:
        raise CvitBenchError(f"{file}: not UTF-8 text (byte {error.start})") from error
    except (OSError, csv.Error) as error:
        raise CvitBenchError(f"{file}: cannot be read ({error})") from error


def _sheet(file: Path) -> Iterator[tuple[int, list[Any]]]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise CvitBenchError(
            f"{file}: xlsx tables need openpyxl: pip install 'cvit-bench[vlmevalkit]', or save it as tsv"
        ) from error
    try:
        with closing(load_workbook(file, read_only=True, data_only=True)) as book:
            for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
                yield number, list(row)
    except Exception as error:
        raise CvitBenchError(f"{file}: not an xlsx table ({first_line(error)})") from error
