"""A method: adapter × schedule × hooks, with its defaults (`train/methods/<name>.yaml`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typing_extensions import Self

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.load import load_yaml
from cvit_bench.records.manifest import Schedule, TaskIdentity
from cvit_bench.resources import PACKAGE, files_by_name
from cvit_bench.text import unknown_name


class Recipe(Record):
    """A named set of adapter and training settings, such as a paper's own; they win over the suite's."""

    description: str
    adapter: dict[str, Any] = {}
    training: dict[str, Any] = {}


class Method(FileRecord):
    """What a method file holds."""

    name: Name
    title: str
    description: str
    schedule: Schedule
    adapter: str | None = None
    adapter_config: dict[str, Any] = {}
    hooks: dict[Name, dict[str, Any]] = {}
    task_identity: TaskIdentity = "none"
    recipes: dict[Name, Recipe] = {}

    def with_hooks(self, names: Sequence[str]) -> Self:
        """Return the method with more hooks, each with its defaults."""
        return self.model_copy(update={"hooks": {**{name: {} for name in names}, **self.hooks}})


def method_files() -> dict[str, Path]:
    """Return the method files by name."""
    return files_by_name([PACKAGE / "train" / "methods"], ".yaml")


def load_method(spec: str) -> Method:
    """Read a method by name, or from the path of a yaml file."""
    if spec.endswith(".yaml"):
        return load_yaml(Path(spec), Method)
    files = method_files()
    if spec not in files:
        raise CvitBenchError(unknown_name("method", spec, files))
    return load_yaml(files[spec], Method)
