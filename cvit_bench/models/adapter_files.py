"""PEFT adapter folders in and out of a loaded base, always as safetensors and without local paths."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

from cvit_bench.adapters.peft_bridge import NAME
from cvit_bench.adapters.sites import MOST_RANK
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.folders import ADAPTER_FILES, adapter_sha256, base_sha256
from cvit_bench.records.files import write_text
from cvit_bench.text import first_line

_SWAPPED = ("LORA", NAME.upper())
_NO_WEIGHTS = {
    "POLY": "wants the number of the task with every forward pass",
    "XLORA": "is a gate over other adapters, which would have to be there too",
}
_README = """# {name}

An adapter in PEFT format, written by cvit-bench. Load it onto its base with

    {before}from peft import PeftModel
    model = PeftModel.from_pretrained(base_model, "THIS FOLDER")

Base: `{base}` (content hash `{sha256}`).
"""


def fresh_adapter(model: Any, config: Any) -> Any:
    """Put a fresh adapter of PEFT on a model, without transformers' words about names to come."""
    from peft import get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def load_adapter(base: Any, adapted: Any, folder: Path, name: str, base_folder: Path | None = None) -> Any:
    """Put the adapter of a folder into the base, in place of the one that was there.

    `adapted` is what the last call returned, None at first; `base_folder` is where the base was loaded from.
    Adapters of any of PEFT's kinds may take turns: one of the same kind is swapped, before another kind the
    base is made whole again. Raises CvitBenchError when the folder is not an adapter, was trained on another
    base, is of a kind that cannot be swapped, or its tensors do not fit.
    """
    from peft import PeftConfig, PeftModel
    from safetensors import SafetensorError

    adapter_sha256(folder)
    name = name.replace(".", "-")
    previous = None
    try:
        config = PeftConfig.from_pretrained(str(folder))
        config.inference_mode = True
        check_base(folder, config, base_folder)
        _check_kind(folder, config)
        _check_rank(config)
        if adapted is not None and not _are_swapped(adapted, config):
            base, adapted = take_off(adapted), None
        if adapted is not None:
            previous = adapted.active_adapter
            name = name if name != previous else f"{name}-again"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = PeftModel(base, config, adapter_name=name) if adapted is None else adapted
            report = model.load_adapter(str(folder), adapter_name=name, is_trainable=False)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ImportError,
        RuntimeError,
        re.error,
        SafetensorError,
    ) as error:
        raise CvitBenchError(f"{folder}: the adapter does not fit its base ({first_line(error)})") from error
    _check_fit(folder, name, report)
    model.set_adapter(name, inference_mode=True)
    if previous is not None:
        model.delete_adapter(previous)
    return model


def take_off(adapted: Any) -> Any:
    """Return the base of a PEFT model as it was: PEFT itself would leave modules trained in full in it."""
    from peft.utils.other import ModulesToSaveWrapper

    whole = adapted.base_model.model
    before = {
        name: module.original_module
        for name, module in whole.named_modules()
        if isinstance(module, ModulesToSaveWrapper)
    }
    base = adapted.unload()
    for name, module in before.items():
        parent, _, last = name.rpartition(".")
        setattr(base.get_submodule(parent), last, module)
    return base


def _are_swapped(adapted: Any, config: Any) -> bool:
    """Whether an adapter may join the one that is there: PEFT mixes no kinds, and some not with their own."""
    return config.peft_type in _SWAPPED and adapted.active_peft_config.peft_type == config.peft_type


def _check_kind(folder: Path, config: Any) -> None:
    """Refuse what is no change of weights."""
    if config.peft_type is None:
        raise ValueError("its configuration names no peft_type")
    reason = _NO_WEIGHTS.get(str(config.peft_type.value))
    if config.is_prompt_learning or config.is_adaption_prompt:
        reason = "learns virtual tokens before the prompt, not a change of weights"
    if reason:
        raise CvitBenchError(
            f"{folder / ADAPTER_FILES[0]}: peft_type: {config.peft_type.value} cannot be swapped on a base: "
            f"it {reason}"
        )


def _check_rank(config: Any) -> None:
    """Refuse ranks that nobody has tuned: their matrices would be built before any file is compared."""
    said = [getattr(config, "r", 0), *(getattr(config, "rank_pattern", None) or {}).values()]
    settings = getattr(config, "settings", {})
    said += [value for name, value in settings.items() if name == "rank" or name.startswith("num_")]
    said += getattr(config, "branches", [])
    for rank in said:
        if isinstance(rank, int) and rank > MOST_RANK:
            raise ValueError(f"a rank or number of {rank:,}; at most {MOST_RANK:,} are built")


def check_base(folder: Path, config: Any, base_folder: Path | None) -> None:
    """Raise when an adapter's configuration names another base than the one at `base_folder`."""
    wanted = getattr(config, "base_sha256", None)
    if wanted is None or base_folder is None:
        return
    found = base_sha256(base_folder)
    if found != wanted:
        raise CvitBenchError(
            f"{folder / ADAPTER_FILES[0]}: base_sha256: the adapter was trained on a base with content hash "
            f"{wanted[:12]}…, {base_folder.name} has {found[:12]}…"
        )


def save_adapter(adapted: Any, folder: Path, base: str, base_hash: str) -> None:
    """Write an adapter folder; the configuration names the base as given, never where it lies here."""
    adapted.save_pretrained(str(folder), safe_serialization=True)
    path = folder / ADAPTER_FILES[0]
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base
    write_text(path, json.dumps(config, indent=2, sort_keys=True) + "\n")
    before = "import cvit_bench\n    " if config["peft_type"] == NAME.upper() else ""
    write_text(
        folder / "README.md", _README.format(name=folder.name, before=before, base=base, sha256=base_hash)
    )


def _check_fit(folder: Path, name: str, report: Any) -> None:
    """Refuse an adapter whose tensors were not all taken, or that left some of its own unfilled."""
    unexpected = list(report.unexpected_keys)
    missing = [key for key in report.missing_keys if f".{name}." in key]
    if unexpected or missing:
        first = (unexpected or missing)[0]
        what = "has no place in the base" if unexpected else "is not in the file"
        raise CvitBenchError(
            f"{folder / ADAPTER_FILES[1]}: {first} {what} "
            f"({len(unexpected)} tensors without a place, {len(missing)} missing)"
        )
