"""The inputs of prompts that come next, made by a thread of its own while the model is at work.

That thread alone uses the processor, whoever asks: what a tokenizer keeps between calls bears no second one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from cvit_bench.models.inputs import Batch, Rows
from cvit_bench.records.sample import Prompt

_BATCHES = 2
"""How many batches are kept: the one at work, and the one that comes next."""

Key = tuple[str, str | None]
"""What a prompt says, and the content hash of its picture."""


@dataclass(frozen=True)
class Made:
    """What a processor makes of prompts: their tokens, row by row, and the tensors of all their pictures."""

    keys: tuple[Key, ...]
    rows: Rows
    rest: Batch


class Ahead:
    """Makes inputs with one thread: ahead where it is told what comes, else when they are asked for."""

    def __init__(self, make: Callable[[Sequence[Prompt]], tuple[Rows, Batch]]) -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(1, "inputs")
        self._coming: dict[tuple[Key, ...], Future[Made]] = {}
        self.waited = 0.0
        """Seconds for which whoever asked had to wait."""

    def begin(self, batch: tuple[Key, ...], prompts: Sequence[Prompt]) -> None:
        """Begin with what is missing of a batch; whatever goes wrong is raised when it is taken."""
        self._coming[batch] = self._begun(prompts)
        while len(self._coming) > _BATCHES:
            self._coming.pop(next(iter(self._coming))).cancel()

    def take(self, batch: tuple[Key, ...], prompts: Sequence[Prompt]) -> Made:
        """Return at least these prompts, which are missing of a batch; it stays until others come."""
        began = time.monotonic()
        try:
            return (self._coming.get(batch) or self._begun(prompts)).result()
        finally:
            self.waited += time.monotonic() - began

    def _begun(self, prompts: Sequence[Prompt]) -> Future[Made]:
        return self._thread.submit(self._made, prompts)

    def _made(self, prompts: Sequence[Prompt]) -> Made:
        return Made(tuple(key_of(prompt) for prompt in prompts), *self._make(prompts))


def key_of(prompt: Prompt) -> Key:
    """Return what tells a prompt's input from another's."""
    return prompt.text, prompt.picture.sha256 if prompt.picture is not None else None
