"""lmms-eval's samples: `<stage>/…/<time>_samples_<task>.jsonl`, a line a document.

A document is known by an id of its own (`question_id`, `id`, …) where it was logged, else by its place in the
data (`doc_id`); then its target has to be a reference of the sample at that place.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import Answer, FoundCell, folders, json_lines, name_of, needed

TITLE = "lmms-eval samples"
_FILE = re.compile(r"(?:.*_)?samples_(?P<task>.+)\.jsonl")
_IDS = ("question_id", "questionId", "id", "index", "pid")


def find(path: Path) -> list[FoundCell]:
    """Return the cells of a folder of stage folders."""
    return [
        FoundCell(stage.name, parts["task"], file, partial(_answers, file))
        for stage in folders(path)
        for file in sorted(stage.rglob("*.jsonl"))
        if (parts := _FILE.fullmatch(file.name))
    ]


def _answers(file: Path) -> Iterator[Answer]:
    for path, line, row in json_lines([file]):
        document = row.get("doc")
        places = (document, row) if isinstance(document, dict) else (row,)
        own = [name_of(place[key]) for place in places for key in _IDS if place.get(key) is not None]
        number = row.get("doc_id")
        target = row.get("target")
        yield Answer(
            path,
            line,
            tuple(own),
            _said(path, line, row),
            _asked(row),
            number if isinstance(number, int) else None,
            None if target is None else str(target),
        )


def _said(path: Path, line: int, row: dict[str, Any]) -> str:
    found = needed(path, line, row, "filtered_resps", "resps")
    while isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, str):
        raise CvitBenchError(f"{path}:{line}: filtered_resps: expected an answer (got {found!r})")
    return found


def _asked(row: dict[str, Any]) -> str | None:
    found = row.get("input")
    return found if isinstance(found, str) else None
