"""`selftest.json`: whether the answers of a run depend on how they are computed."""

from pathlib import Path
from typing import Any

from pydantic import Field

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Record, Sha256
from cvit_bench.records.load import load_json
from cvit_bench.text import counted

SELFTEST = "selftest.json"
SINGLE, PLAIN, AGAIN = "one prompt at a time", "without shared beginnings or merging", "loaded once more"
"""The ways that the usual one is compared with."""
_SAME = ("device", "dtype")
"""What of a placement decides how answers are computed."""


class Difference(Record):
    """A prompt that was answered in two ways."""

    stage: str
    task: str
    variant: str
    sample: str
    usual: str
    other: str


class Check(Record):
    """Answers of one way of computing against the usual one; a few of those that differ."""

    name: str
    prompts: int = Field(ge=1)
    differing: int = Field(ge=0)
    examples: tuple[Difference, ...] = ()


class SelfTest(FileRecord):
    """All checks, of which stages (with the hash of their weights), and how the model computed."""

    stages: dict[str, Sha256]
    checks: tuple[Check, ...] = Field(min_length=1)
    placement: dict[str, Any]
    packages: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether no answer differed."""
        return not any(check.differing for check in self.checks)

    def differs_from_plain(self, placement: dict[str, Any]) -> bool:
        """Tell whether batches, sharing or merging made other answers, where this placement computes too."""
        if any(self.placement.get(name) != placement.get(name) for name in _SAME):
            return False
        return any(check.differing for check in self.checks if check.name in (SINGLE, PLAIN))

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        prompts = max(check.prompts for check in self.checks)
        told = [f"{check.differing} differ {check.name}" for check in self.checks if check.differing]
        names = ", ".join(check.name for check in self.checks)
        return f"{counted(prompts, 'prompt')}: " + ("; ".join(told) if told else f"the same answers {names}")


def selftest_of(run_dir: Path, weights: dict[str, str]) -> SelfTest | None:
    """Return a run's self-test, None when there is none, or it was of other weights or cannot be read."""
    path = run_dir / SELFTEST
    try:
        found = load_json(path, SelfTest) if path.exists() else None
    except CvitBenchError:
        return None
    if found is None or any(weights.get(name) != sha256 for name, sha256 in found.stages.items()):
        return None
    return found
