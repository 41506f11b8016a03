"""Tensors of other people's checkpoints: from safetensors, and from pickles only where that is allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cvit_bench.errors import CvitBenchError
from cvit_bench.progress import say
from cvit_bench.text import first_line

Tensors = dict[str, Any]
"""Torch tensors by name."""


def read_tensors(path: Path, allow_pickle: bool) -> Tensors:
    """Return what a file of weights holds, on the CPU.

    A pickle is read with torch's restricted unpickler, and only if `allow_pickle` says so.
    """
    from safetensors import SafetensorError

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        return _unpickled(path, allow_pickle)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise CvitBenchError(f"{path}: cannot be read ({first_line(error)})") from error


def tensor_names(path: Path) -> list[str]:
    """Return the names of what a file of safetensors holds; no tensor is read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return list(file.keys())
    except (OSError, SafetensorError) as error:
        raise CvitBenchError(f"{path}: cannot be read ({first_line(error)})") from error


def _unpickled(path: Path, allow_pickle: bool) -> Tensors:
    import pickle

    import torch

    if not allow_pickle:
        raise CvitBenchError(
            f"{path}: is a pickle, which can run code when it is read; --allow-pickle reads it all the same"
        )
    say(f"warning: {path}: reading a pickle, as --allow-pickle asks; be sure where it is from")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CvitBenchError(f"{path}: holds more than tensors, and is not read") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise CvitBenchError(f"{path}: is no table of tensors")
    return dict(found)


def write_tensors(tensors: Tensors, path: Path) -> None:
    """Write tensors as safetensors; those that share memory are written each in full."""
    from safetensors.torch import save_file

    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, path)
