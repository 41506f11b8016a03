"""How much of a machine the replay at large shapes uses: shares of measured ceilings, swaps, memory."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.replay_gpu_base import shortened
from benchmarks.train_step_cases import matmul_ceiling
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.models.replay import ReplayModel
from cvit_bench.records.sample import Prompt


@dataclass(frozen=True)
class Machine:
    """How much of the machine is used, and for how long it does something else.

    Attributes:
        matmul: operations a second of a large product. copy: bytes read and written a second by a large copy.
        prefill, decode: the share of these that reading prompts and writing tokens comes to.
        swaps: seconds to put each checkpoint in place. peak: bytes at most, of our side.
    """

    matmul: float
    copy: float
    prefill: float
    decode: float
    swaps: list[float]
    peak: int


def measured_machine(
    base: Path, placement: Placement, stages: Sequence[Checkpoint], prompts: Sequence[Prompt],
    given: argparse.Namespace,
) -> Machine:  # fmt: skip
    """Measure one batch of the base in the machine's terms, and swaps."""
    model = ReplayModel(base, placement)
    batch = list(prompts[: given.batch_size])
    for budget in (1, given.new_tokens):
        model.generate(shortened(batch, budget))  # pictures are looked at, kernels are chosen
    reading = _best(lambda: model.generate(shortened(batch, 1)), given)
    writing = _best(lambda: model.generate(shortened(batch, given.new_tokens)), given) - reading
    ids = [row.ids for row in model._base.encoder.encode(batch)]
    matmul, copy = matmul_ceiling(given), copy_ceiling(given)
    inside, head, cached = _sizes(model._base.model)
    flops = 2 * (inside * sum(map(len, ids)) + head * len(ids))
    item = model._base.dtype.itemsize
    step = item * (inside + head + cached * (sum(map(len, ids)) + len(ids) * given.new_tokens / 2))
    swaps = [
        _seconds(lambda stage=stage: model.use(stage), given)
        for stage in [*stages[1:], stages[0], *stages[1:]]
    ]
    return Machine(
        matmul, copy, flops / reading / matmul, step * (given.new_tokens - 1) / max(writing, 1e-9) / copy,
        swaps, _peak(given),
    )  # fmt: skip


def _sizes(model: Any) -> tuple[int, int, int]:
    """Return the weights of the language model's layers and of its head, and numbers kept for a position."""
    decoder, config = model.get_decoder(), model.config.get_text_config()
    inside = sum(weight.numel() for weight in decoder.layers.parameters())
    width = config.hidden_size // config.num_attention_heads
    return (
        inside,
        model.lm_head.weight.numel(),
        2 * config.num_hidden_layers * config.num_key_value_heads * width,
    )


def copy_ceiling(given: argparse.Namespace) -> float:
    """Return the bytes a second, read and written, of a large copy on the device."""
    size = (1 << 30) if given.device.startswith("cuda") else (1 << 24)
    source = torch.zeros(size, dtype=torch.uint8, device=given.device)
    target = torch.empty_like(source)
    return 2 * size / _best(lambda: target.copy_(source), given)


def _best(work: Callable[[], object], given: argparse.Namespace, repeats: int = 3) -> float:
    return min(_seconds(work, given) for _ in range(repeats))


def _seconds(work: Callable[[], object], given: argparse.Namespace) -> float:
    _wait(given)
    began = time.perf_counter()
    work()
    _wait(given)
    return time.perf_counter() - began


def _wait(given: argparse.Namespace) -> None:
    if given.device.startswith("cuda"):
        torch.cuda.synchronize(given.device)


def _peak(given: argparse.Namespace) -> int:
    if given.device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(given.device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak(given: argparse.Namespace) -> None:
    """Count the most memory from here on."""
    if given.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(given.device)
