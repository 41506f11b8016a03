"""Find a piece by its name: the file name is the name, a dotted path or an entry point serves as well.

Names are listed by reading the source files, so that listing imports nothing: a file of the folder
counts when it defines the marker (`score` for a scorer, `compute` for a metric) at its top level.
"""

import ast
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from cvit_bench.errors import CvitBenchError
from cvit_bench.resources import PACKAGE
from cvit_bench.text import unknown_name


@dataclass(frozen=True)
class Kind:
    """A folder of plug-in files and the top-level name that each of them defines."""

    name: str
    folder: str
    marker: str

    @property
    def group(self) -> str:
        """Entry point group that adds to the folder."""
        return f"cvit_bench.{self.folder.rpartition('/')[2]}"


SCORERS = Kind("scorer", "scorers", "score")
RELEASED = Kind("released scorer", "scorers/released", "score")
METRICS = Kind("metric", "metrics", "compute")
READERS = Kind("reader", "data/readers", "read")
ADAPTERS = Kind("adapter", "adapters", "Config")
HOOKS = Kind("hook", "train/hooks", "Hook")
IMPORTS = Kind("import format", "interop/imports", "find")
EXPORTS = Kind("export format", "interop/exports", "write")
FAMILIES = Kind("family", "models/families", "FAMILY")


@lru_cache(maxsize=16)
def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of a kind: files of its folder and entry points, sorted."""
    return tuple(sorted(_shipped(kind) | {point.name for point in entry_points(group=kind.group)}))


@lru_cache(maxsize=16)
def _shipped(kind: Kind) -> frozenset[str]:
    files = (PACKAGE / kind.folder).glob("*.py")
    return frozenset(path.stem for path in files if _defines(path, kind.marker))


@lru_cache(maxsize=256)
def load(kind: Kind, name: str) -> ModuleType:
    """Import the piece `name`: a file of the folder, an entry point, or a dotted module path.

    A name that several packages claim is nobody's: no result may depend on what else is installed.
    """
    check(kind, name)
    points = tuple(entry_points(group=kind.group, name=name))
    places = [_path(kind, name)] * (name in _shipped(kind)) + [point.value for point in points]
    if len(places) > 1:
        raise CvitBenchError(
            f"{kind.name} {name!r}: stands for {' and '.join(places)}; another name, or a module path, tells"
        )
    if points:
        return _of_others(kind, name, points[0].load)
    if name in _shipped(kind):
        return importlib.import_module(_path(kind, name))
    return _of_others(kind, name, lambda: importlib.import_module(name))


def check(kind: Kind, name: str) -> None:
    """Raise when `name` is neither listed nor a dotted path; imports nothing."""
    if name not in names(kind) and not _is_dotted(name):
        raise CvitBenchError(unknown_name(kind.name, name, names(kind)))


def summary(kind: Kind, name: str) -> str:
    """Return the first line of a piece's docstring; a file of the folder is not imported."""
    path = PACKAGE / kind.folder / f"{name}.py"
    if not path.is_file():
        return (load(kind, name).__doc__ or "").strip().partition("\n")[0]
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def _is_dotted(name: str) -> bool:
    return "." in name and all(part.isidentifier() for part in name.split("."))


def _path(kind: Kind, name: str) -> str:
    return f"cvit_bench.{kind.folder.replace('/', '.')}.{name}"


def _of_others(kind: Kind, name: str, load_it: Callable[[], ModuleType]) -> ModuleType:
    """Import a piece from outside the package; raise when it cannot be, or lacks what makes it one."""
    try:
        module = load_it()
    except (ImportError, AttributeError, SyntaxError) as error:
        raise CvitBenchError(f"{kind.name} {name!r}: cannot be imported ({error})") from error
    if not hasattr(module, kind.marker):
        raise CvitBenchError(f"{kind.name} {name!r}: the module defines no `{kind.marker}`")
    return module


def _defines(path: Path, marker: str) -> bool:
    return any(marker in _bound(node) for node in ast.parse(path.read_text(encoding="utf-8")).body)


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
