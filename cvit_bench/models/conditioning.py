"""Tell a routed adapter about the prompts that come next: their instructions, and their tasks where known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cvit_bench.adapters.peft_bridge import RoutedModel, tuner_of
from cvit_bench.data.instruction_embeddings import (
    Floats,
    instruction_embedding,
    instruction_text,
    told_variants,
)
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Prompt
from cvit_bench.records.template import Template, Variant

ENCODER_FOLDER = "CVIT_BENCH_ENCODER"
"""Environment variable: a folder with the sentence encoder, for wordings that the shipped table lacks."""


def condition(adapted: Any, prompts: Sequence[Prompt], training: bool = False) -> None:
    """Fill the routing context of an adapted model for a batch; nothing to do for other models.

    In training each sample takes its own task's router. In evaluation it does so only where the settings ask
    for the oracle, and only for tasks that were learned.
    """
    tuner = tuner_of(adapted)
    if tuner is None:
        return
    device = next(tuner.parameters()).device
    tuner.routing.tasks = _tasks(tuner, prompts, training, device)
    tuner.routing.instructions = _instructions(tuner, prompts, device)


def _tasks(
    tuner: RoutedModel, prompts: Sequence[Prompt], training: bool, device: torch.device
) -> torch.Tensor | None:
    known = list(tuner.peft_config[tuner.active_adapters[0]].tasks)
    oracle = getattr(tuner.settings, "task_identity", None) == "oracle"
    if not known or not (training or oracle) or any(prompt.task not in known for prompt in prompts):
        return None
    return torch.tensor([known.index(prompt.task) for prompt in prompts], device=device)


def _instructions(tuner: RoutedModel, prompts: Sequence[Prompt], device: torch.device) -> torch.Tensor | None:
    mode = _mode(tuner.settings)
    if mode is None:
        return None
    rows = np.stack([instruction_key(prompt, mode) for prompt in prompts])
    return torch.from_numpy(rows).to(device)


def _mode(settings: Any) -> str | None:
    """Return how a routed adapter is told the instruction; None where it is not."""
    return getattr(settings, "instruction_key", None) if getattr(settings, "text_weight", 1.0) else None


def check_instructions(settings: Any, prompts: Iterable[Prompt]) -> None:
    """Raise CvitBenchError where an adapter of these settings could not be told a prompt's instruction."""
    mode = _mode(settings)
    if mode is None:
        return
    worded = {(prompt.template and prompt.template.name, prompt.variant): prompt for prompt in prompts}
    for prompt in worded.values():
        instruction_key(prompt, mode)


def instruction_key(prompt: Prompt, mode: str) -> Floats:
    """Return what a router is told about a prompt's instruction, float32 [384] (`told_variants`)."""
    if prompt.template is None or prompt.wording is None:
        raise CvitBenchError(f"prompt {prompt.sample_id!r}: carries no template to take its instruction from")
    told = told_variants(prompt.template, prompt.wording, mode)
    rows = [_embedding(prompt.template, variant) for variant in told]
    return rows[0] if len(rows) == 1 else np.stack(rows).mean(0)


def _embedding(template: Template, variant: Variant) -> Floats:
    """Return the stored embedding, or a fresh one where an encoder is at hand."""
    try:
        return instruction_embedding(template, variant)
    except CvitBenchError as error:
        folder = os.environ.get(ENCODER_FOLDER)
        if not folder:
            raise CvitBenchError(
                f"{error}; or set {ENCODER_FOLDER} to such a folder to embed it on the spot"
            ) from error
    return _encoded(Path(folder), instruction_text(template, variant))


@lru_cache(maxsize=4096)
def _encoded(folder: Path, text: str) -> Floats:
    from cvit_bench.models.embed_instructions import encode

    return encode(folder, [text])[0]
