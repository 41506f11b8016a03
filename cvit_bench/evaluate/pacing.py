"""Takes note of how fast stages are answered, for the plans of later calls; threads may share it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.models.family import Model
from cvit_bench.progress import Meter, metered
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.load import save_json
from cvit_bench.records.pace import StagePace, pace_of, pace_path


class Pacer:
    """The pace of one run directory."""

    def __init__(self, run_dir: Path, split: SplitChoice, placement: dict[str, Any]) -> None:
        self.run = run_dir.name
        self._path = pace_path(run_dir, split)
        self._pace = pace_of(run_dir, split, placement)
        self._lock = threading.Lock()

    @contextmanager
    def metered(self, stage: str, label: str, total: int, model: Model, size: BatchSize) -> Iterator[Meter]:
        """Show the progress of a stage and take note of its pace in the end, however it ends."""
        began, waited = time.monotonic(), model.waited()
        size.used()
        with metered(label, total, model.waited) as meter:
            try:
                yield meter
            finally:
                self._note(stage, meter, time.monotonic() - began, model.waited() - waited, size)

    def _note(self, stage: str, meter: Meter, seconds: float, waited: float, size: BatchSize) -> None:
        made = StagePace(
            samples=meter.done,
            seconds=round(seconds, 3),
            waited=round(max(waited, 0.0), 3),
            batch_sizes=size.used(),
        )
        with self._lock:
            self._pace = self._pace.plus(stage, made)
            save_json(self._path, self._pace)
