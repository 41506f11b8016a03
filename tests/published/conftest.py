"""The miniatures as folders that --data-root may name."""

import importlib.util
from pathlib import Path

import pytest


def miniature():
    """Return the module that writes the miniatures."""
    spec = importlib.util.spec_from_file_location("miniature", Path(__file__).with_name("miniature.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def write_miniature():
    """Return a function that writes the miniature of a suite into a folder."""
    return lambda name, root: getattr(miniature(), name.split("-")[0])(root)


@pytest.fixture
def root(tmp_path, write_miniature):
    """A data root with the miniatures of CVIT and CoIN."""
    for name in ("cvit", "coin"):
        write_miniature(name, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory, write_miniature):
    """A data root with all miniatures, not to be changed."""
    folder = tmp_path_factory.mktemp("published")
    for setting in ("Diverse", "10Type", "Original"):
        miniature().coin(folder, f"Instructions_{setting}")
    for name in ("cvit", "ucit"):
        write_miniature(name, folder)
    return folder
