"""Choices that the command line offers; imports nothing, so that `--help` stays fast."""

from enum import Enum
from typing import Literal

AUTO: Literal["auto"] = "auto"
BatchChoice = int | Literal["auto"]
"""How many prompts go together; `auto`: as many as memory allows and as make it faster."""


class CellChoice(str, Enum):
    """Which cells of the matrix are answered."""

    FULL = "full"
    LOWER = "lower"
    FINAL = "final"


class TaskChoice(str, Enum):
    """Which tasks of a suite are asked: those that the run was to learn, or all."""

    TRAINED = "trained"
    ALL = "all"


class SplitChoice(str, Enum):
    """Which samples are asked; settings are chosen on `val`, results are reported on `test`."""

    TEST = "test"
    VAL = "val"

    def named(self, name: str) -> str:
        """Return the name of a file or folder of this split; the test split adds nothing to it."""
        return name if self is SplitChoice.TEST else f"{name}-{self.value}"


class Resample(str, Enum):
    """What intervals count as drawn by chance: the pictures, or the wordings of the instructions as well."""

    IMAGES = "images"
    VARIANTS = "images+variants"


class Executor(str, Enum):
    """Where cells are answered."""

    LOCAL = "local"
    RAY = "ray"
