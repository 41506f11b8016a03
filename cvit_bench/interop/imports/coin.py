"""CoIN's answer trees: `<Task>/<Stage>/merge.jsonl`, or the chunk files it is made of, and `Result.text`.

`Stage` is `Finetune` right after the task itself was learned, else the last task learned; `Zero_shot` is the
untouched base. A tree of `Result.text` alone (as in CoIN's own history) gives a matrix without samples.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import Answer, FoundCell, folders, json_lines, name_of, needed
from cvit_bench.records.typed import HIGHEST

TITLE = "CoIN answer tree"
MERGED, REPORTED = "merge.jsonl", "Result.text"
_CHUNK = re.compile(r"(\d+)_(\d+)\.jsonl")
_SHOWN = 20
_ACCURACY = re.compile(r"(?<![-\w])Accuracy:\s*([0-9]+(?:\.[0-9]+)?)\s*%")


def find(path: Path) -> list[FoundCell]:
    """Return the cells of a folder of task folders."""
    return [
        cell
        for task in folders(path)
        for stage in sorted(folder for folder in task.iterdir() if folder.is_dir())
        if (cell := cell_of(stage, task.name, stage.name)) is not None
    ]


def cell_of(folder: Path, task: str, stage: str, shots: int | None = None) -> FoundCell | None:
    """Return what a stage's folder holds, None for neither answers nor a score."""
    files, score = answer_files(folder), reported(folder / REPORTED)
    if not files and score is None:
        return None
    read = partial(read_answers, files) if files else None
    return FoundCell(stage, task, folder, read, score, shots)


def answer_files(folder: Path) -> list[Path]:
    """Return `merge.jsonl`, or all chunk files in their order; raise when one of these is missing."""
    if (folder / MERGED).is_file():
        return [folder / MERGED]
    chunks = {
        (int(found[1]), int(found[2])): path
        for path in folder.glob("*.jsonl")
        if (found := _CHUNK.fullmatch(path.name))
    }
    totals = sorted({total for total, _ in chunks})
    if len(totals) > 1:
        raise CvitBenchError(
            f"{folder}: chunk files of several runs: of {', '.join(map(str, totals))} chunks"
        )
    for at in range(totals[0] if totals else 0):
        if (totals[0], at) not in chunks:
            raise CvitBenchError(
                f"{folder / f'{totals[0]}_{at}.jsonl'}: no such chunk file, others are there"
            )
    return [chunks[key] for key in sorted(chunks)]


def read_answers(files: Sequence[Path]) -> Iterator[Answer]:
    """Yield the answers of LLaVA-style files: `question_id`, `prompt`, `text`."""
    for path, line, row in json_lines(files):
        text = needed(path, line, row, "text")
        if not isinstance(text, str):
            raise CvitBenchError(f"{path}:{line}: text: expected a string (got {text!r})")
        prompt = row.get("prompt")
        name = name_of(needed(path, line, row, "question_id", "id"))
        yield Answer(path, line, (name,), text, prompt if isinstance(prompt, str) else None)


def reported(path: Path) -> float | None:
    """Return the accuracy that a `Result.text` reports, None where there is none."""
    if not path.is_file():
        return None
    try:
        found = _ACCURACY.search(path.read_text("utf-8", errors="replace"))
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error
    if found and float(found[1]) > HIGHEST:
        raise CvitBenchError(
            f"{path}: an accuracy of {found[1][:_SHOWN]} %: expected one from 0 to {HIGHEST}"
        )
    return float(found[1]) if found else None
