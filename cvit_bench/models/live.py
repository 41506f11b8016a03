"""Is what computes what the files say? Looked at after every swap, before the first answer.

The base is summed up when it is loaded and again after each swap: nothing may have written to it. The tensors
of an adapter are compared with those of its file, whose bytes must be those that answers are kept under.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint
from cvit_bench.models.folders import ADAPTER_FILES, adapter_sha256

_AS_NUMBERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Untouched:
    """The tensors of a base, summed up bit by bit."""

    def __init__(self, model: Any) -> None:
        self._tensors = dict(model.state_dict(keep_vars=True))
        self._sums = self._sum_up()

    def check(self) -> None:
        """Raise when a tensor is not what it was."""
        found = self._sum_up()
        changed = [name for name, value in found.items() if value != self._sums[name]]
        if changed:
            raise CvitBenchError(
                f"the base was written to: {changed[0]} is not what was loaded ({len(changed)} tensors)"
            )

    @torch.no_grad()
    def _sum_up(self) -> dict[str, int]:
        sums = {name: _sum(tensor.data) for name, tensor in self._tensors.items() if tensor.numel()}
        values = torch.stack(list(sums.values())).tolist()
        return dict(zip(sums, values, strict=True))


def _sum(tensor: torch.Tensor) -> torch.Tensor:
    """Return the sum of a tensor's bits read as whole numbers, which wraps around."""
    flat = tensor.contiguous().reshape(-1)
    return flat.view(_AS_NUMBERS[flat.element_size()]).sum(dtype=torch.int64)


def check_adapter(adapted: Any, checkpoint: Checkpoint, folder: Path) -> None:
    """Raise when the adapter in place is not the one in its folder, or that is not what it was.

    One that holds infinite values, or what is no number, would answer nothing: it is refused as well.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import load_file

    if checkpoint.sha256 not in (None, adapter_sha256(folder)):
        raise CvitBenchError(f"{folder}: was changed while it was being evaluated; the same command goes on")
    path = folder / ADAPTER_FILES[1]
    live = get_peft_model_state_dict(
        adapted, adapter_name=adapted.active_adapter, save_embedding_layers=False
    )
    for name, wanted in load_file(path).items():
        if name not in live:
            continue
        if not torch.isfinite(live[name]).all():
            raise CvitBenchError(f"{path}: {name} holds values that are not finite; train the stage anew")
        if not torch.equal(live[name].cpu(), wanted.to(live[name].dtype)):
            raise CvitBenchError(
                f"{path}: {name} is not what computes: the adapter was not put in place whole"
            )
