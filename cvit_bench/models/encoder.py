"""From prompts to a model's input, with everything that does not change between passes kept in memory.

Token ids are kept by wording and picture, vision features by picture where the family's tower can be
kept (`vision_memory.py`): a picture seen before is neither opened nor looked at again. What is not kept can
be made ahead (`ahead.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.ahead import Ahead, Key, key_of
from cvit_bench.models.inputs import (
    Batch,
    Kinds,
    Row,
    Rows,
    encode,
    pad_answers,
    pad_prompts,
    to_device,
)
from cvit_bench.models.vision_memory import Features, VisionMemory
from cvit_bench.records.sample import Prompt

ROW_TOKENS = 1 << 24
"""How many tokens of prompts are kept at most."""


class Tokens:
    """What is said about the positions of prompts, by what they say and show."""

    def __init__(self, limit: int = ROW_TOKENS) -> None:
        self._kept: dict[Key, dict[str, array[int]]] = {}
        self._left = limit

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def row(self, key: Key) -> Row:
        """Return a prompt that is kept."""
        return {name: values.tolist() for name, values in self._kept[key].items()}

    def keep(self, key: Key, row: Row) -> None:
        """Keep a prompt if there is room."""
        size = sum(map(len, row.values()))
        if key not in self._kept and size <= self._left:
            self._kept[key] = {name: array("i", values) for name, values in row.items()}
            self._left -= size


@dataclass
class Memory:
    """What is kept for one base: tokens of prompts, features of pictures."""

    rows: Tokens = field(default_factory=Tokens)
    features: Features = field(default_factory=Features)


@dataclass(frozen=True)
class Encoded:
    """A prompt as a model reads it, and what the vision tower says about its picture, if any."""

    row: Row
    features: list[torch.Tensor] | None

    @property
    def ids(self) -> list[int]:
        """Its token ids."""
        return self.row["input_ids"]


@lru_cache(maxsize=2)
def shared_memory(base: str, device: str, dtype: str) -> Memory:
    """Return the memory of a base by its content hash, the same one however often it is loaded here."""
    return Memory()


class Encoder:
    """The input side of a loaded base."""

    def __init__(
        self,
        processor: Any,
        device: torch.device,
        dtype: torch.dtype,
        vision: VisionMemory | None = None,
        rows: Tokens | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        self._processor = processor
        self._device, self._dtype = device, dtype
        self._vision = vision
        self._rows = rows or Tokens()
        self._kinds = kinds or Kinds()
        self._ahead = Ahead(lambda prompts: encode(processor, prompts, self._kinds))

    @property
    def reads_apart(self) -> bool:
        """Whether prompts are token ids alone once their pictures were looked at, apart from any pass."""
        return self._vision is not None and not self._kinds.names

    @property
    def waited(self) -> float:
        """Seconds that inputs were waited for so far."""
        return self._ahead.waited

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Have the inputs of prompts that come next made meanwhile."""
        keys = tuple(map(key_of, prompts))
        missing = list(self._missing(keys, prompts).values()) if self._vision else list(prompts)
        if missing:
            self._ahead.begin(keys, missing)

    def prompts(self, prompts: Sequence[Prompt]) -> Batch:
        """Return prompts padded on the left, on the model's device; they are what the next pass answers."""
        rows, pixels = self._encode(prompts)
        return self._placed({**pad_prompts(self._processor, rows), **pixels})

    def lesson(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Batch:
        """Return prompts with their answers, padded on the right; labels are the answers alone."""
        rows, pixels = self._encode(prompts)
        return self._placed({**pad_answers(self._processor, rows, answers, self._kinds), **pixels})

    def num_answer_tokens(self, answers: Sequence[str]) -> int:
        """Return how many tokens the labels of these answers hold, the end of each included."""
        tokenizer = self._processor.tokenizer
        return sum(len(ids) + 1 for ids in tokenizer(list(answers), add_special_tokens=False)["input_ids"])

    def _placed(self, batch: Batch) -> Batch:
        return to_device(batch, self._device, self._dtype)

    def encode(self, prompts: Sequence[Prompt]) -> list[Encoded]:
        """Return each prompt with the features of its picture; only where features are kept."""
        if self._vision is None:
            raise CvitBenchError("this family's pictures cannot be looked at apart from the model's passes")
        keys = [key_of(prompt) for prompt in prompts]
        rows, pixels = self._take(keys, prompts)
        pictures = [picture for _, picture in keys if picture is not None]
        features = self._vision.features(pictures, pixels)
        return [Encoded(rows[key], None if key[1] is None else features[key[1]]) for key in keys]

    def announce(self, prompts: Sequence[Encoded]) -> Batch:
        """Have the pictures of these prompts ready for the next pass; return what stands for them there."""
        seen = [prompt.features for prompt in prompts if prompt.features is not None]
        if self._vision is None or not seen:
            return {}
        return {"pixel_values": self._vision.announce(seen)}

    def _encode(self, prompts: Sequence[Prompt]) -> tuple[Rows, Batch]:
        if self._vision is None:
            made = self._ahead.take(tuple(map(key_of, prompts)), prompts)
            return made.rows, made.rest
        encoded = self.encode(prompts)
        return [prompt.row for prompt in encoded], self.announce(encoded)

    def _take(
        self, keys: Sequence[Key], prompts: Sequence[Prompt]
    ) -> tuple[dict[Key, Row], dict[str, torch.Tensor]]:
        """Return prompts by key, and the pixels of pictures whose features are not kept, by hash."""
        missing = self._missing(keys, prompts)
        rows = {key: self._rows.row(key) for key in keys if key not in missing}
        if not missing:
            return rows, {}
        made = self._ahead.take(tuple(keys), list(missing.values()))
        new = dict(zip(made.keys, made.rows, strict=True))
        for key, row in new.items():
            self._rows.keep(key, row)
        pictures = [picture for _, picture in made.keys if picture is not None]
        pixels = list(made.rest["pixel_values"].to(self._device, self._dtype)) if pictures else []
        return {**rows, **new}, dict(zip(pictures, pixels, strict=True))

    def _missing(self, keys: Sequence[Key], prompts: Sequence[Prompt]) -> dict[Key, Prompt]:
        """Return those whose tokens or pixels have to be made, each once."""
        return {key: one for key, one in zip(keys, prompts, strict=True) if not self._is_known(key)}

    def _is_known(self, key: Key) -> bool:
        picture = key[1]
        return key in self._rows and (
            picture is None or (self._vision is not None and picture in self._vision)
        )
