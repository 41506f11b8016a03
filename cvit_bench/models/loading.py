"""Open a base through the Auto classes: safetensors only, and no code of its own unless that is asked for."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.allocator import keep_freed_memory
from cvit_bench.models.encoder import Encoder, shared_memory
from cvit_bench.models.family import Placement, family_of
from cvit_bench.models.folders import base_sha256
from cvit_bench.models.inputs import KINDS, Kinds
from cvit_bench.models.processors import load_processor
from cvit_bench.models.vision_memory import VisionMemory
from cvit_bench.progress import say
from cvit_bench.text import first_line


@dataclass
class LoadedBase:
    """A model in evaluation mode, the processor that feeds it, and the encoder that uses both."""

    model: Any
    processor: Any
    encoder: Encoder
    device: torch.device
    dtype: torch.dtype


def load_base(
    folder: Path,
    placement: Placement,
    place: Callable[[Any], Any] | None = None,
    processor_from: Path | None = None,
) -> LoadedBase:
    """Load model and processor of a folder onto the device; features of a frozen tower are kept in memory.

    `place` puts the model where it computes in another way, and nothing is kept then. A checkpoint without a
    processor of its own takes the one of `processor_from`, the base that it was tuned from.
    """
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText
    from transformers.utils import logging

    keep_freed_memory()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_threads(placement)
    family, trusted = family_of(folder), placement.remote_code
    if trusted:
        say(f"warning: {folder}: code beside the weights is run, as --trust-remote-code asks")
    device, dtype = torch_device(placement.device), torch_dtype(placement.dtype)
    try:
        processor = load_processor(folder, family.chat_template, processor_from, trusted)
        model = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=trusted, local_files_only=True
        )
        model = model.to(device) if place is None else place(model)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ImportError,
        RuntimeError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise CvitBenchError(f"{folder}: the model cannot be loaded ({first_line(error)})") from error
    kinds = Kinds(_kinds_of(model), family.answer_kind)
    reads = copy.deepcopy(processor)  # the encoder's thread has one of its own
    if place is not None or not family.tower:
        encoder = Encoder(reads, device, dtype, kinds=kinds)
    else:
        memory = shared_memory(base_sha256(folder), str(device), str(dtype))
        vision = VisionMemory(model, family.tower, memory.features)
        encoder = Encoder(reads, device, dtype, vision, memory.rows, kinds)
    return LoadedBase(model.eval(), processor, encoder, device, dtype)


def _kinds_of(model: Any) -> tuple[str, ...]:
    """Return what the model takes to be told about each position beside its token."""
    taken = inspect.signature(model.forward).parameters
    return tuple(name for name in KINDS if name in taken)


def torch_device(name: str) -> torch.device:
    """Return the torch device of a name such as `cuda:1`; raise where there is none that computes."""
    device = named_device(name)
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise CvitBenchError(f"device {name!r} cannot be used ({first_line(error)})") from error
    return device


def named_device(name: str) -> torch.device:
    """Return the torch device of a name, whether it is here or not; raise for what names none."""
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise CvitBenchError(f"device {name!r} cannot be used ({first_line(error)})") from error


def torch_dtype(name: str) -> torch.dtype:
    """Return the torch type of a name such as `bfloat16`."""
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise CvitBenchError(f"dtype {name!r} is unknown (known: bfloat16, float16, float32)")
    return found


def set_threads(placement: Placement) -> None:
    """Set the number of CPU threads of this process; several processes on one machine want one each."""
    if placement.device == "cpu":
        torch.set_num_threads(placement.threads)
