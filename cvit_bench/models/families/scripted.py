"""A family without weights: it answers from a table, so that the whole pipeline runs in seconds.

A folder holds `scripted.json`: `answers` maps `task/sample id` to the answer, or `task/sample id@variant` to
that in one wording; `default` is said otherwise. A stage's table replaces the base's. `fails` lists prompts
that raise, `delay` is the time a batch takes in seconds, and more prompts at a time than there is `room` for
are out of memory: all of them let faults be provoked for real.

Asked how likely given answers are, it holds the one in `knows` likeliest, with a blank picture the one in
`guesses`; without an entry it holds likeliest what it says, and with a blank picture nothing.
"""

import math
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from cvit_bench.data.images import blank_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint, Family, Likelihoods, OutOfMemoryError, Placement
from cvit_bench.models.folders import SCRIPT
from cvit_bench.records.base import FileRecord
from cvit_bench.records.load import load_json
from cvit_bench.records.sample import Prompt


class Script(FileRecord):
    """What `scripted.json` holds."""

    answers: dict[str, str] = {}
    default: str = ""
    knows: dict[str, str] = {}
    guesses: dict[str, str] = {}
    fails: tuple[str, ...] = ()
    delay: float = Field(default=0.0, ge=0)
    room: int | None = Field(default=None, ge=1)


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

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Nothing is to be made ready."""

    def waited(self) -> float:
        """Nothing is waited for."""
        return 0.0

    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Look every prompt up."""
        self._take_time(prompts)
        return [self._answer(prompt) for prompt in prompts]

    def generate_plainly(self, prompts: Sequence[Prompt]) -> list[str]:
        """Look every prompt up."""
        return [self._answer(prompt) for prompt in prompts]

    def rank(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Likelihoods]:
        """Give the answer that it holds likeliest half of the probability, all others an equal share."""
        self._take_time(prompts)
        return [_shared_out(self._held(prompt), row) for prompt, row in zip(prompts, answers, strict=True)]

    def answer_and_rank(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]
    ) -> list[tuple[str, Likelihoods]]:
        """Look every prompt up, and rank what is given."""
        found = self.rank(prompts, answers)
        return [(self._answer(prompt), row) for prompt, row in zip(prompts, found, strict=True)]

    def _take_time(self, prompts: Sequence[Prompt]) -> None:
        room = self._script.room
        if room is not None and len(prompts) > room:
            raise OutOfMemoryError(f"there is room for {room} prompts")
        time.sleep(self._script.delay)

    def _held(self, prompt: Prompt) -> str | None:
        name = f"{prompt.task}/{prompt.sample_id}"
        if prompt.picture is not None and prompt.picture.sha256 == blank_picture().sha256:
            return self._script.guesses.get(name)
        return self._script.knows.get(name) or self._answer(prompt)

    def _answer(self, prompt: Prompt) -> str:
        name, answers = f"{prompt.task}/{prompt.sample_id}", self._script.answers
        if name in self._script.fails:
            raise RuntimeError(f"scripted failure at {name}")
        return answers.get(f"{name}@{prompt.variant}", answers.get(name, self._script.default))


def _shared_out(held: str | None, answers: Sequence[str]) -> Likelihoods:
    rest = math.log(0.5 / max(len(answers), 1))
    return Likelihoods(
        plain=tuple(math.log(0.5) if answer == held else rest for answer in answers),
        tokens=(1,) * len(answers),
    )


def _load(folder: Path, placement: Placement) -> ScriptedModel:
    if not (folder / SCRIPT).is_file():
        raise CvitBenchError(f"{folder}: no {SCRIPT}")
    return ScriptedModel(load_json(folder / SCRIPT, Script))


FAMILY = Family("scripted", load=_load, needs_torch=False)
