"""A base without its weights: where its configuration is, and the model built from it on the meta device."""

from pathlib import Path
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.folders import EMBEDDED, base_folder, is_hub_id
from cvit_bench.records.manifest import BaseModelRef
from cvit_bench.text import first_line

CONFIG = "config.json"


def config_file(base: BaseModelRef, run_dir: Path | None, shapes: Path | None) -> Path:
    """Return the configuration file of a base: in its folder, else `shapes`, else the hub's.

    The hub's is looked for in the local cache first; weights are never fetched. Raises CvitBenchError when
    none is to be had.
    """
    folders = [root / base.path for root in (run_dir, Path()) if root is not None]
    if (
        base.path.startswith(EMBEDDED)
        or not is_hub_id(base.path)
        or any(folder.is_dir() for folder in folders)
    ):
        return base_folder(base, run_dir) / CONFIG
    return shapes if shapes is not None else _from_hub(base)


def _from_hub(base: BaseModelRef) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(base.path, CONFIG, revision=base.revision))
    except (OSError, ValueError) as error:
        raise CvitBenchError(
            f"base.path: {base.path}: no such folder, and its {CONFIG} is neither cached nor to be had from "
            f"the hub ({type(error).__name__}); --base FOLDER names a folder with it, "
            "and a recipe may bring the shapes of its base"
        ) from error


def empty_base(config: Path, dtype: torch.dtype) -> Any:
    """Return the model that a configuration file describes, on the meta device: shapes without memory."""
    from transformers import AutoConfig, AutoModelForImageTextToText

    try:
        said = AutoConfig.from_pretrained(str(config), trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            return AutoModelForImageTextToText.from_config(said, dtype=dtype)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
        raise CvitBenchError(f"{config}: no model can be built from it ({first_line(error)})") from error
