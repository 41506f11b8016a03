"""Batches of the base's pre-training: augmented pictures, and several questions a picture in one sequence.

The questions of one picture all see it but not each other, so the costly image tokens are shared and every
question still sees exactly what it will see alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvit_bench.mini.base_config import PATCHES
from cvit_bench.mini.pretrain_data import ask
from cvit_bench.mini.pretrain_store import Facts

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerFast

QUESTIONS_EACH = 4
MIRRORED = ("garments", "blurred", "places")


@dataclass
class Pool:
    """The stacked store, ready to be indexed by a batch of numbers."""

    pixels: NDArray[np.uint8]
    objects: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    facts: list[Facts]


@dataclass
class Seen:
    """A batch of pictures with the label of every patch."""

    pixels: torch.Tensor
    objects: torch.Tensor
    colours: torch.Tensor


def pictures(pool: Pool, numbers: NDArray[np.int64], rng: np.random.Generator) -> Seen:
    """Take pictures by number; brightness varies, and half of those that may be mirrored are."""
    import numpy as np
    import torch

    mirrored = (rng.random(len(numbers)) < 0.5) & np.array(
        [pool.facts[n].domain in MIRRORED for n in numbers]
    )

    def flipped(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
        spread = mirrored.reshape(-1, *[1] * (block.ndim - 1))
        return np.where(spread, block[:, :, ::-1], block)

    light = rng.uniform(-8, 8, (len(numbers), 1, 1, 1)).astype(np.float32)
    levels = np.clip(flipped(pool.pixels[numbers]).astype(np.float32) + light, 0, 255)
    return Seen(
        torch.from_numpy((levels / 127.5 - 1).transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(flipped(pool.objects[numbers]).astype(np.int64)).flatten(1),
        torch.from_numpy(flipped(pool.colours[numbers]).astype(np.int64)).flatten(1),
    )


@dataclass
class Asked:
    """Several questions a picture, side by side: tokens after the image, what each sees, what to learn."""

    tokens: torch.Tensor
    positions: torch.Tensor
    blocked: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


def questions(facts: list[Facts], tokenizer: PreTrainedTokenizerFast, rng: np.random.Generator) -> Asked:
    """Draw questions for each picture and pack them behind its image tokens."""
    import numpy as np

    pairs = [ask(known, rng) for known in facts for _ in range(QUESTIONS_EACH)]
    asked = tokenizer([f"{question}<|assistant|>" for question, _ in pairs])["input_ids"]
    answered = tokenizer([f"{answer}</s>" for _, answer in pairs])["input_ids"]
    rows = [range(start, start + QUESTIONS_EACH) for start in range(0, len(pairs), QUESTIONS_EACH)]
    width = max(sum(len(asked[n]) + len(answered[n]) for n in row) for row in rows)
    tokens = np.zeros((len(rows), width), np.int64)
    owner = np.full((len(rows), width), -1, np.int64)
    positions = np.zeros((len(rows), width), np.int64)
    weights = np.zeros((len(rows), width), np.float32)
    for row, numbers in enumerate(rows):
        start = 0
        for number in numbers:
            ids = [*asked[number], *answered[number]]
            end, told = start + len(ids), len(asked[number])
            tokens[row, start:end] = ids
            owner[row, start:end] = number + 1
            positions[row, start:end] = np.arange(len(ids)) + PATCHES + 2
            weights[row, start + told - 1 : end - 1] = len(answered[number]) ** -0.5
            start = end
    return _packed(tokens, owner, positions, weights)


def _packed(
    tokens: NDArray[np.int64],
    owner: NDArray[np.int64],
    positions: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> Asked:
    import numpy as np
    import torch

    count, ahead = len(tokens), PATCHES + 2
    owner = np.concatenate([np.zeros((count, ahead), np.int64), owner], 1)
    before = np.broadcast_to(np.arange(ahead), (count, ahead))
    seen = np.tril(np.ones((owner.shape[1],) * 2, bool))
    seen = seen & ((owner[:, None, :] == 0) | (owner[:, None, :] == owner[:, :, None]))
    blocked = torch.zeros((count, 1, *seen.shape[1:]), dtype=torch.bfloat16)
    blocked.masked_fill_(torch.from_numpy(~seen)[:, None], -1e4)
    return Asked(
        torch.from_numpy(tokens),
        torch.from_numpy(np.concatenate([before, positions], 1)),
        blocked,
        torch.from_numpy(np.roll(tokens, -1, 1)),
        torch.from_numpy(weights),
    )
