"""Other people's checkpoint folders: what each one is, and a copy in safetensors of those that need it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.adapter_names import is_old, new_config, new_name
from cvit_bench.interop.tensors import Tensors, read_tensors, tensor_names, write_tensors
from cvit_bench.models.folders import ADAPTER_FILES, SCRIPT, adapter_config
from cvit_bench.records.files import write_bytes, write_text

CONFIG, WEIGHTS = ADAPTER_FILES
PICKLED = "adapter_model.bin"
BESIDE = "non_lora_trainables.bin"
"""Where LLaVA's own training script leaves what it trained in full: the projector."""
_SHARDS = "pytorch_model*.bin"
_BESIDE_WEIGHTS = (".json", ".jinja", ".model", ".txt")


@dataclass(frozen=True)
class FoundCheckpoint:
    """A checkpoint folder.

    Attributes:
        copied: why it cannot be taken as it lies there and is copied; "" if it can.
    """

    folder: Path
    kind: Literal["adapter", "full"]
    copied: str = ""


def look_at(folder: Path) -> FoundCheckpoint:
    """Return what a folder holds; raise when it is no checkpoint."""
    if (folder / SCRIPT).is_file():
        return FoundCheckpoint(folder, "adapter")
    if (folder / CONFIG).is_file():
        return FoundCheckpoint(folder, "adapter", _why_copied(folder))
    if (folder / "config.json").is_file():
        if any(folder.glob("*.safetensors")):
            return FoundCheckpoint(folder, "full")
        if any(folder.glob(_SHARDS)):
            return FoundCheckpoint(folder, "full", "its weights are pickled")
        raise CvitBenchError(f"{folder}: a whole model without weights (no *.safetensors)")
    inner = sorted(path.name for path in folder.glob("checkpoint-*") if path.is_dir())
    hint = f"; it holds {', '.join(inner)}: name one of them" if inner else ""
    raise CvitBenchError(f"{folder}: neither {CONFIG} nor config.json: not a checkpoint{hint}")


def _why_copied(folder: Path) -> str:
    if (folder / BESIDE).is_file():
        return f"its projector is in {BESIDE}"
    if not (folder / WEIGHTS).is_file():
        return "its weights are pickled" if (folder / PICKLED).is_file() else ""
    is_lora = adapter_config(folder).get("peft_type") == "LORA"
    return "its weights have older names" if is_lora and is_old(tensor_names(folder / WEIGHTS)) else ""


def copy_checkpoint(found: FoundCheckpoint, target: Path, allow_pickle: bool) -> None:
    """Write a checkpoint anew, in safetensors and in the names of today."""
    (copy_adapter if found.kind == "adapter" else _copy_model)(found, target, allow_pickle)


def _copy_model(found: FoundCheckpoint, target: Path, allow_pickle: bool) -> None:
    """Write a whole model: each pickled shard becomes one of safetensors."""
    shards = sorted(found.folder.glob(_SHARDS))
    places: dict[str, str] = {}
    for at, path in enumerate(shards, 1):
        tensors = read_tensors(path, allow_pickle)
        target.mkdir(parents=True, exist_ok=True)
        name = f"model-{at:05d}-of-{len(shards):05d}.safetensors"
        write_tensors(tensors, target / name)
        places |= dict.fromkeys(tensors, name)
    write_text(target / "model.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": places}))
    for path in found.folder.iterdir():
        if path.suffix in _BESIDE_WEIGHTS and not path.name.startswith("pytorch_model"):
            write_bytes(target / path.name, path.read_bytes())


def copy_adapter(found: FoundCheckpoint, target: Path, allow_pickle: bool) -> None:
    """Write an adapter folder in safetensors and in the names of today; nothing is left where it fails."""
    folder = found.folder
    config = adapter_config(folder)
    try:
        tensors = _renamed(_read(folder, allow_pickle))
        config = new_config(config, tensors)
    except CvitBenchError as error:
        text = str(error)
        raise CvitBenchError(text if text.startswith(str(folder)) else f"{folder}: {text}") from error
    target.mkdir(parents=True, exist_ok=True)
    write_tensors(tensors, target / WEIGHTS)
    write_text(target / CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")


def _read(folder: Path, allow_pickle: bool) -> Tensors:
    names = [WEIGHTS if (folder / WEIGHTS).is_file() else PICKLED, BESIDE]
    tensors: Tensors = {}
    for path in (folder / name for name in names):
        if path.is_file():
            tensors |= read_tensors(path, allow_pickle)
    return tensors


def _renamed(tensors: Tensors) -> Tensors:
    return {new_name(name): value for name, value in tensors.items()}
