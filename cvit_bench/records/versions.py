"""Versions of what computed a result, read from package metadata: nothing is imported."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("cvit-bench", "torch", "transformers", "tokenizers", "peft", "safetensors", "numpy", "pillow")


def package_versions() -> dict[str, str]:
    """Return the installed version of every package that can change a result, and Python's."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
