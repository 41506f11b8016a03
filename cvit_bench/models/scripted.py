"""A family without weights: it answers from a table, so that the whole pipeline runs in seconds.

A folder holds `scripted.json`: `answers` maps `task/sample id` to the answer, `default` is said
otherwise. A stage's table replaces the base's. `fails` lists prompts that raise, `delay` is the time
a batch takes in seconds: both let faults be provoked for real.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint, Family, Placement
from cvit_bench.models.folders import SCRIPT
from cvit_bench.records.base import FileRecord
from cvit_bench.records.load import load_json
from cvit_bench.records.sample import Prompt


class Script(FileRecord):
    """What `scripted.json` holds."""

    answers: dict[str, str] = {}
    default: str = ""
    fails: tuple[str, ...] = ()
    delay: float = Field(default=0.0, ge=0)


class ScriptedModel:
    """Answers from the table of the checkpoint in place."""

    def __init__(self, base: Script) -> None:
        self._base = base
        self._script = base

    def use(self, checkpoint: Checkpoint) -> None:
        """Take the checkpoint's table."""
        if checkpoint.folder is None:
            self._script = self._base
        else:
            self._script = load_json(checkpoint.folder / SCRIPT, Script)

    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Look every prompt up."""
        time.sleep(self._script.delay)
        return [self._answer(f"{prompt.task}/{prompt.sample_id}") for prompt in prompts]

    def _answer(self, name: str) -> str:
        if name in self._script.fails:
            raise RuntimeError(f"scripted failure at {name}")
        return self._script.answers.get(name, self._script.default)


def _load(folder: Path, placement: Placement) -> ScriptedModel:
    if not (folder / SCRIPT).is_file():
        raise CvitBenchError(f"{folder}: no {SCRIPT}")
    return ScriptedModel(load_json(folder / SCRIPT, Script))


FAMILY = Family("scripted", load=_load, needs_torch=False)
