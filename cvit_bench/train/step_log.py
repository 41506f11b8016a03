"""What every step did: a line of `steps.jsonl`, and a point in TensorBoard or W&B if asked for."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import appending
from cvit_bench.text import unknown_name

STEPS = "steps.jsonl"


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step.

    Attributes:
        loss: nats per answer token, penalties included.
        rate: learning rate. norm: of the gradient before clipping.
        answer_tokens: what the loss is a mean over. tokens: all positions that hold a token.
        seconds: of wall time.
    """

    step: int
    loss: float
    rate: float
    norm: float
    answer_tokens: int
    tokens: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens of all processes a second."""
        return self.tokens / max(self.seconds, 1e-9)


class Tracker(Protocol):
    """Somewhere else that steps are shown."""

    def add(self, stage: str, number: int, record: StepRecord) -> None:
        """Show a step, the `number`-th of the whole run."""


class StepLog:
    """Appends the steps of a stage; steps that are done again after an interruption stand there twice."""

    def __init__(
        self, path: Path | None, stage: str, offset: int = 0, trackers: Sequence[Tracker] = ()
    ) -> None:
        self._path, self._stage, self._offset, self._trackers = path, stage, offset, trackers

    def add(self, record: StepRecord) -> None:
        """Take note of a step."""
        if self._path is None:
            return
        row = {"stage": self._stage, **asdict(record)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with appending(self._path) as stream:
                stream.write(f"{json.dumps(row)}\n".encode())
        except OSError as error:
            raise CvitBenchError(f"{self._path}: cannot be written ({error.strerror or error})") from error
        for tracker in self._trackers:
            tracker.add(self._stage, self._offset + record.step, record)


class _TensorBoard:
    def __init__(self, run_dir: Path) -> None:
        module = _installed("torch.utils.tensorboard", "tensorboard")
        self._writer = module.SummaryWriter(str(run_dir / "tensorboard"))

    def add(self, stage: str, number: int, record: StepRecord) -> None:
        for name in ("loss", "rate", "norm", "tokens_per_second"):
            self._writer.add_scalar(f"train/{name}", getattr(record, name), number)
        self._writer.flush()


class _WeightsAndBiases:
    def __init__(self, run_dir: Path) -> None:
        self._run = _installed("wandb", "wandb").init(
            project="cvit-bench", name=run_dir.name, dir=str(run_dir), resume="allow", id=run_dir.name
        )

    def add(self, stage: str, number: int, record: StepRecord) -> None:
        shown = {name: getattr(record, name) for name in ("loss", "rate", "norm", "tokens_per_second")}
        self._run.log({"stage": stage, **shown}, step=number)


TRACKERS: dict[str, Any] = {"tensorboard": _TensorBoard, "wandb": _WeightsAndBiases}


def open_trackers(names: Sequence[str], run_dir: Path) -> list[Tracker]:
    """Open the trackers asked for; raise when one is unknown or not installed."""
    for name in names:
        if name not in TRACKERS:
            raise CvitBenchError(f"--track {name}: {unknown_name('tracker', name, TRACKERS)}")
    return [TRACKERS[name](run_dir) for name in names]


def _installed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CvitBenchError(f"--track {package}: is not installed (pip install {package})") from error
