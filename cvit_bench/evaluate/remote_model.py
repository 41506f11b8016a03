"""A model that answers somewhere else: whoever asks it need not know.

Only prompts go out and only answers come back; the one who asks reads data and writes files.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, cast

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.worker import Outcome
from cvit_bench.models.family import Checkpoint, Likelihoods, OutOfMemoryError
from cvit_bench.records.sample import Picture, Prompt


class AbandonedError(BaseException):
    """The replay as a whole cannot go on. No Exception: it must not be taken for a sample's own failure."""


class Post(Protocol):
    """Whoever carries a question to a worker and brings the answer."""

    def ask(self, checkpoint: Checkpoint, name: str, given: tuple[Any, ...]) -> tuple[Outcome, Any]:
        """Have a method called with a checkpoint in place."""

    def leave(self) -> None:
        """Let the worker go: nothing more is asked."""


class RemoteModel:
    """The local side of a worker, a `Model`."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._checkpoint: Checkpoint | None = None
        self._reading = 0.0

    def use(self, checkpoint: Checkpoint) -> None:
        """Take note of the checkpoint; it is put in place with the next question."""
        self._checkpoint = checkpoint

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Have the worker make inputs ready; it is sent the prompts again when they are asked."""
        with suppress(CvitBenchError):
            self._ask("prepare", self._read(prompts))

    def waited(self) -> float:
        """Return for how many seconds pictures were read here and inputs were waited for there."""
        with suppress(CvitBenchError):
            return self._reading + float(self._ask("waited"))
        return self._reading

    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer prompts."""
        return cast(list[str], self._ask("generate", self._read(prompts)))

    def generate_plainly(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer them in the plainest way."""
        return cast(list[str], self._ask("generate_plainly", self._read(prompts)))

    def rank(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Likelihoods]:
        """Say how likely given answers are."""
        said = [list(row) for row in answers]
        return cast(list[Likelihoods], self._ask("rank", self._read(prompts), said))

    def answer_and_rank(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]
    ) -> list[tuple[str, Likelihoods]]:
        """Answer prompts, and say how likely given answers are."""
        said = [list(row) for row in answers]
        found = self._ask("answer_and_rank", self._read(prompts), said)
        return cast(list[tuple[str, Likelihoods]], found)

    def _read(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        began = time.monotonic()
        try:
            return with_bytes(prompts)
        finally:
            self._reading += time.monotonic() - began

    def _ask(self, name: str, *given: Any) -> Any:
        if self._checkpoint is None:
            raise CvitBenchError("no checkpoint is in place")
        outcome, found = self._post.ask(self._checkpoint, name, given)
        if outcome == "unfit":
            raise AbandonedError(found)
        if outcome == "out of memory":
            raise OutOfMemoryError(found)
        if outcome == "failed":
            raise CvitBenchError(found)
        return found


def with_bytes(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return prompts that carry the bytes of their pictures, wherever these lie; shared ones only once."""
    shown: dict[int, Picture] = {}
    for picture in (prompt.picture for prompt in prompts):
        if picture is not None and id(picture) not in shown:
            shown[id(picture)] = replace(picture, data=picture.read(), fetch=None)
    return [
        prompt if prompt.picture is None else replace(prompt, picture=shown[id(prompt.picture)])
        for prompt in prompts
    ]
