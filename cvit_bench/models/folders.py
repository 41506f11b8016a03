"""Checkpoint folders without opening a model: where a base is, what is in it, and its hash."""

from pathlib import Path
from typing import Any

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_files
from cvit_bench.records.load import load_object
from cvit_bench.records.manifest import BaseModelRef
from cvit_bench.resources import embedded_base
from cvit_bench.text import unknown_name

EMBEDDED = "embedded:"
SCRIPT = "scripted.json"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
_BASE_PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
_NOT_WEIGHTS = ("loss.json", "trainer_state.json")


def base_folder(base: BaseModelRef, run_dir: Path | None = None) -> Path:
    """Return the folder of a base model; a hub id is fetched, or found in the local hub cache.

    A relative path is looked up from the run directory first, then from the working folder.
    """
    if base.path.startswith(EMBEDDED):
        return _embedded(base.path.removeprefix(EMBEDDED))
    roots = [Path(), *([run_dir] if run_dir is not None else [])]
    for root in reversed(roots):
        if (root / base.path).is_dir():
            return root / base.path
    if is_hub_id(base.path):
        return from_hub("base.path", base.path, base.revision)
    raise CvitBenchError(f"base.path: {base.path!r}: no such folder, and no hub id")


def public_name(base: BaseModelRef) -> str:
    """Return how a base is named in files that leave this machine: a local folder by its last part only."""
    is_public = is_hub_id(base.path) or base.path.startswith(EMBEDDED)
    return base.path if is_public else Path(base.path).name


def _embedded(name: str) -> Path:
    if name != "mini":
        raise CvitBenchError(f"base.path: {unknown_name('embedded base', name, ['mini'])}")
    return embedded_base()


def is_hub_id(path: str) -> bool:
    """Tell whether a path may be a hub id, OWNER/NAME."""
    return path.count("/") == 1 and not path.startswith((".", "/", "~"))


def from_hub(key: str, name: str, revision: str | None) -> Path:
    """Return the folder of a hub id, fetched or found in the local hub cache; `key` is where it is named.

    Pickled weights are not fetched.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, ignore_patterns=["*.bin", "*.pt", "*.pth"]))
    except (OSError, ValueError) as error:
        at = f" at revision {revision}" if revision else ""
        raise CvitBenchError(
            f"{key}: {name}: no such folder, and not to be had from the hub{at} ({type(error).__name__}); "
            "without a network it must be in the hub cache (HF_HOME) already"
        ) from error


def base_sha256(folder: Path) -> str:
    """Hash what decides the answers of a full checkpoint: weights, configuration, tokenizer, template."""
    paths = {path for pattern in _BASE_PATTERNS for path in folder.glob(pattern)}
    return sha256_files((path for path in paths if path.name not in _NOT_WEIGHTS), folder)


def has_processor(folder: Path) -> bool:
    """Tell whether a model folder says how words and pictures become its input."""
    return any((folder / name).is_file() for name in PROCESSOR_FILES)


def adapter_sha256(folder: Path) -> str:
    """Hash an adapter folder: its configuration and its tensors."""
    if (folder / SCRIPT).is_file():
        return sha256_files([folder / SCRIPT], folder)
    missing = [name for name in ADAPTER_FILES if not (folder / name).is_file()]
    if missing:
        pickled = (
            " (pickled weights are not read; `cvit-bench init run --allow-pickle` copies them to safetensors)"
            if (folder / "adapter_model.bin").exists()
            else ""
        )
        raise CvitBenchError(f"{folder}: no {' and no '.join(missing)}: not an adapter folder{pickled}")
    return sha256_files([folder / name for name in ADAPTER_FILES], folder)


def adapter_config(folder: Path) -> dict[str, Any]:
    """Return what the configuration of an adapter folder holds; raise when it holds no keys and values."""
    return load_object(folder / ADAPTER_FILES[0])


def instruction_mode(folder: Path) -> str | None:
    """Return what an adapter's routers are told about instructions, None when they ask for nothing."""
    try:
        settings = adapter_config(folder).get("settings")
    except CvitBenchError:
        return None
    if not isinstance(settings, dict) or not settings.get("text_weight", 1.0):
        return None
    mode = settings.get("instruction_key")
    return mode if isinstance(mode, str) else None


def detect_family(folder: Path) -> str:
    """Return the family of a base folder from what lies in it."""
    if (folder / SCRIPT).is_file():
        return "scripted"
    return family_in(folder / "config.json")


def family_in(config: Path) -> str:
    """Return the family that a model's configuration file names."""
    try:
        model_type = str(load_object(config)["model_type"])
    except (CvitBenchError, KeyError) as error:
        raise CvitBenchError(
            f"{config.parent}: no {config.name} that names a model_type: not a model folder"
        ) from error
    if model_type not in plugins.names(plugins.FAMILIES):
        known = plugins.names(plugins.FAMILIES)
        raise CvitBenchError(f"{config}: {unknown_name('model_type', model_type, known)}")
    return model_type
