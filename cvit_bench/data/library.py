"""Where tasks, suites and templates are looked up: one or more folders, the shipped ones last."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_yaml, yaml_line
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template
from cvit_bench.resources import files_by_name, shipped_folder
from cvit_bench.text import unknown_name

_YAML = ".yaml"
R = TypeVar("R", Task, Suite, Template)


@dataclass(frozen=True)
class Library:
    """Task, suite and template files by name; folders of one's own come before the shipped ones.

    Opened for a suite, it gives the tasks as that suite asks them.
    """

    tasks: dict[str, Path]
    suites: dict[str, Path]
    templates: dict[str, Path]
    opened_for: Suite | None = None

    def task(self, name: str) -> Task:
        """Read the task of that name."""
        task = _named(load_yaml(_find("task", name, self.tasks), Task), self.tasks[name])
        return task if self.opened_for is None else self.opened_for.set_up(task)

    def suite(self, name: str) -> Suite:
        """Read the suite of that name."""
        return _named(load_yaml(_find("suite", name, self.suites), Suite), self.suites[name])

    def template(self, name: str) -> Template:
        """Read the template of that name."""
        return _named(load_yaml(_find("template", name, self.templates), Template), self.templates[name])


def open_library(*own: Path) -> Library:
    """Open the shipped folders, and before them folders that hold `tasks/` and `instruction_templates/`."""
    tasks = [*(root / "tasks" for root in own), shipped_folder("tasks")]
    templates = [*(root / "instruction_templates" for root in own), shipped_folder("instruction_templates")]
    return Library(
        tasks=files_by_name(tasks, _YAML),
        suites=files_by_name([folder / "suites" for folder in tasks], _YAML),
        templates=files_by_name(templates, _YAML),
    )


def open_suite(spec: str) -> tuple[Library, Suite]:
    """Open a suite by name, or by the path of a yaml file `ROOT/tasks/suites/NAME.yaml`."""
    if not spec.endswith(_YAML):
        return _opened(open_library(), spec)
    path = Path(spec)
    if not path.is_file():
        raise CvitBenchError(f"{path}: no such suite file")
    library = open_library(*path.resolve().parents[2:3])
    found = library.suites.get(path.stem)
    if found is None or found.resolve() != path.resolve():
        raise CvitBenchError(f"{path}: a suite file must lie at ROOT/tasks/suites/NAME{_YAML}")
    return _opened(library, path.stem)


def _opened(library: Library, name: str) -> tuple[Library, Suite]:
    suite = library.suite(name)
    return replace(library, opened_for=suite), suite


def _find(kind: str, name: str, files: dict[str, Path]) -> Path:
    if name not in files:
        raise CvitBenchError(unknown_name(kind, name, files))
    return files[name]


def _named(record: R, path: Path) -> R:
    if record.name != path.stem:
        where = f"{path}:{yaml_line(path, ('name',))}: name"
        raise CvitBenchError(f"{where}: must be the file's name {path.stem!r} (got {record.name!r})")
    return record
