"""The rules by which SMoLoRA's released scripts tell whether an answer follows its instruction.

Their share over a task's answers, averaged over tasks, is the published MIF (mean instruction following).
"""

import string
from collections.abc import Iterable


def is_one_letter(text: str) -> bool:
    """Tell whether an answer is a single letter (ScienceQA)."""
    letter = text.strip().upper()
    return len(letter) == 1 and letter in string.ascii_uppercase


def is_short(text: str, golds: Iterable[str]) -> bool:
    """Tell whether an answer has at most two words (none counts) or is the gold one (VQA, classes)."""
    said = text.strip()
    return len(said.split()) <= 2 or said.lower() in (gold.lower() for gold in golds)


def is_sentence(text: str, references: Iterable[str]) -> bool:
    """Tell whether an answer ends with a full stop and has five words or stands in a reference (captions)."""
    said = text.strip()
    is_long = len(said.split()) > 4
    return said.endswith(".") and (is_long or any(said.lower() in one.lower() for one in references))
