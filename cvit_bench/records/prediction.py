"""Predictions of one cell: a JSONL file that is appended and fsynced a batch at a time."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError, model_validator
from typing_extensions import Self

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record, Sha256
from cvit_bench.records.files import appending, sync
from cvit_bench.records.ranking import Ranking


class Prediction(Record):
    """One model output, or the reason why there is none (`text` null, `error` set).

    `ranking` says how likely each allowed answer was, where the task's answer set is closed and it was asked.
    """

    id: str
    key: Sha256
    prompt: str
    text: str | None
    error: str | None = None
    ranking: Ranking | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.error is None):
            raise ValueError("either text or error must be there, and only one of them")
        return self


@dataclass
class PredictionFile:
    """What a file of predictions holds: the good lines, and complaints about the others."""

    path: Path
    predictions: list[Prediction] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def read_predictions(path: Path) -> PredictionFile:
    """Read a predictions file; damaged lines are named, not raised."""
    found = PredictionFile(path)
    if not path.exists():
        return found
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        _take_line(found, number, line)
    return found


def _take_line(found: PredictionFile, number: int, line: bytes) -> None:
    if not line.endswith(b"\n"):
        found.damaged.append(f"{found.path}:{number}: the last line is cut short")
        return
    try:
        found.predictions.append(Prediction.model_validate_json(line))
    except ValidationError as error:
        what = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in what["loc"]) or "line"
        found.damaged.append(f"{found.path}:{number}: {key}: {what['msg']}")


def append_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Append one batch and fsync: after this returns, the batch survives a crash."""
    data = "".join(prediction.model_dump_json() + "\n" for prediction in predictions).encode("utf-8")
    try:
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        with appending(path) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if is_new:
            sync(path.parent)
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be written ({error.strerror})") from error
