"""Choices that the command line offers; imports nothing, so that `--help` stays fast."""

from enum import Enum


class CellChoice(str, Enum):
    """Which cells of the matrix are answered."""

    FULL = "full"
    LOWER = "lower"
    FINAL = "final"
