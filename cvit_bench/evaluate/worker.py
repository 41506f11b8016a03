"""What runs in a process or a Ray actor: a base that stays loaded and is asked from the parent."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint, Model, OutOfMemoryError, Placement, family_of
from cvit_bench.progress import silence
from cvit_bench.text import first_line

Outcome = Literal["done", "failed", "out of memory", "unfit"]


class Worker:
    """A loaded base. What goes wrong is returned as text: only a dead worker raises."""

    def __init__(self, base: Path, placement: Placement) -> None:
        silence()
        self._base = base
        device = placement.device.partition(":")[0]  # Ray shows an actor its own GPU alone
        self._placement = replace(placement, device=device)
        self._model: Model | None = None
        self._checkpoint: Checkpoint | None = None

    def open(self) -> str | None:
        """Load the base; return what is wrong with it."""
        try:
            self._model = family_of(self._base).load(self._base, self._placement)
        except CvitBenchError as error:
            return str(error)
        return None

    def ask(self, checkpoint: Checkpoint, name: str, given: tuple[Any, ...]) -> tuple[Outcome, Any]:
        """Call a method of the model with a checkpoint in place; return the outcome with result or reason."""
        try:
            self._put(checkpoint)
        except Exception as error:
            return "unfit", str(error) if isinstance(error, CvitBenchError) else _named(error)
        try:
            return "done", getattr(self._model, name)(*given)
        except OutOfMemoryError as error:
            return "out of memory", str(error)
        except Exception as error:
            return "failed", first_line(error) if isinstance(error, CvitBenchError) else _named(error)

    def _put(self, checkpoint: Checkpoint) -> None:
        if self._model is None:
            raise CvitBenchError(f"{self._base}: was not opened")
        if checkpoint != self._checkpoint:
            self._checkpoint = None
            self._model.use(checkpoint)
            self._checkpoint = checkpoint


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"
