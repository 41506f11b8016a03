"""What importing works on: cells found in other tools' files, and their answers."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cvit_bench.errors import CvitBenchError
from cvit_bench.text import refuse_half_pairs


class Answer(NamedTuple):
    """One answer of a file.

    Attributes:
        path: the file.
        line: its line, from 1 on.
        ids: names that the sample may have; the first that the task knows is taken.
        text: what the model said.
        prompt: what it was asked, None where the file does not say.
        position: place of the sample in the task's file, where there is no id; `target` then has to agree.
        target: the reference as the file has it.
    """

    path: Path
    line: int
    ids: tuple[str, ...]
    text: str
    prompt: str | None = None
    position: int | None = None
    target: str | None = None

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class FoundCell:
    """One task at one stage, by the labels of the tool that wrote it.

    Attributes:
        stage: label of the stage.
        task: label of the task.
        place: where it lies, for messages.
        read: gives its answers; None where there is only a score.
        score: what the tool reported, in percent.
        shots: tuned on so many samples a class beforehand, beside the sequence.
    """

    stage: str
    task: str
    place: Path
    read: Callable[[], Iterator[Answer]] | None = None
    score: float | None = None
    shots: int | None = None


def folders(path: Path) -> list[Path]:
    """Return the folders in a folder, by name; raise where there is none."""
    try:
        found = sorted(folder for folder in path.iterdir() if folder.is_dir())
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error
    if not found:
        raise CvitBenchError(f"{path}: no folder in it")
    return found


def json_lines(paths: Sequence[Path]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Yield file, line and object of every line; blank lines are skipped."""
    for path in paths:
        try:
            with path.open("rb") as stream:
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        yield path, number, _object(path, number, line)
        except OSError as error:
            raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error


def needed(path: Path, line: int, row: dict[str, Any], *keys: str) -> Any:
    """Return the value of the first key that a row has."""
    for key in keys:
        if row.get(key) is not None:
            return row[key]
    raise CvitBenchError(
        f"{path}:{line}: {' or '.join(keys)}: this key is required (it has: {', '.join(row)})"
    )


def name_of(value: Any) -> str:
    """Return an id as text: 7, 7.0 and "7" are one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
        refuse_half_pairs(line, row)
    except UnicodeDecodeError as error:
        raise CvitBenchError(f"{path}:{number}: not UTF-8 text (byte {error.start} of the line)") from error
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else "; the file ends here, it may be cut short"
        raise CvitBenchError(f"{path}:{number}: not valid JSON: {error}{cut}") from error
    if not isinstance(row, dict):
        raise CvitBenchError(f"{path}:{number}: expected keys and values, got {type(row).__name__}")
    return row
