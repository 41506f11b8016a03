"""From prompts to a model's input, with everything that does not change between passes kept in memory.

Token ids are kept by wording and picture, vision features by picture where the family's tower can be
kept (`vision_memory.py`): a picture seen before is neither opened nor looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

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

Key = tuple[str, str | None]
"""What a prompt says, and the content hash of its picture."""


@dataclass
class Memory:
    """What is kept for one base: token ids of prompts, features of pictures."""

    rows: dict[Key, Row] = field(default_factory=dict)
    features: Features = field(default_factory=Features)


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
        rows: dict[Key, Row] | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        self._processor = processor
        self._device, self._dtype = device, dtype
        self._vision = vision
        self._rows = {} if rows is None else rows
        self._kinds = kinds or Kinds()

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

    def _encode(self, prompts: Sequence[Prompt]) -> tuple[Rows, Batch]:
        if self._vision is None:
            return encode(self._processor, prompts, self._kinds)
        keys = [_key(prompt) for prompt in prompts]
        new = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if not self._is_known(key)}
        pixels = self._take(new, self._vision) if new else {}
        pictures = [picture for _, picture in keys if picture is not None]
        rows = [self._rows[key] for key in keys]
        return rows, {"pixel_values": self._vision.expect(pictures, pixels)} if pictures else {}

    def _is_known(self, key: Key) -> bool:
        picture = key[1]
        return key in self._rows and (
            picture is None or (self._vision is not None and picture in self._vision)
        )

    def _take(self, new: dict[Key, Prompt], vision: VisionMemory) -> dict[str, torch.Tensor]:
        """Encode new prompts, keep their ids, return the pixels of their pictures by content hash."""
        rows, rest = encode(self._processor, list(new.values()), self._kinds)
        self._rows.update(zip(new, rows, strict=True))
        pictures = [picture for _, picture in new if picture is not None]
        if not pictures:
            return {}
        pixels = rest["pixel_values"].to(self._device, self._dtype)
        return dict(zip(pictures, pixels, strict=True))


def _key(prompt: Prompt) -> Key:
    return prompt.text, prompt.picture.sha256 if prompt.picture is not None else None
