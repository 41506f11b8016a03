"""`cvit-bench validate`: check tasks, suites, templates and the data they name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import DataRoot
from cvit_bench.errors import CvitBenchError

if TYPE_CHECKING:
    from cvit_bench.data.library import Library


@dataclass(frozen=True)
class Chosen:
    """The files to be checked, by kind."""

    templates: list[Path] = field(default_factory=list)
    suites: list[Path] = field(default_factory=list)
    tasks: list[Path] = field(default_factory=list)


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Yaml files, or folders that hold tasks/ (default: all shipped)."),
    ] = None,
    data_root: DataRoot = None,
) -> None:
    """Check yaml, templates, scorers, files, images, ids and overlaps; exit 1 when something is found."""
    from cvit_bench.data.check import Check

    library, chosen = _chosen(paths or [])
    check = Check(library, data_root)
    for path in chosen.templates:
        check.template(path)
    for path in chosen.suites:
        check.suite(path)
    for path in chosen.tasks:
        check.task(path)
    for finding in check.findings:
        print(finding)
    count = len(chosen.templates) + len(chosen.suites) + len(chosen.tasks)
    print(f"{count} files checked, {len(check.findings)} findings")
    if check.findings:
        raise typer.Exit(1)


def _chosen(paths: list[Path]) -> "tuple[Library, Chosen]":
    """Return the library that the paths belong to, and the files they name."""
    from cvit_bench.data.library import open_library

    if not paths:
        library = open_library()
        return library, Chosen(*(list(files.values()) for files in _by_kind(library)))
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise CvitBenchError(f"{', '.join(missing)}: no such file or folder")
    library = open_library(*dict.fromkeys(_root(path) for path in paths))
    kinds = [[file for file in files.values() if _is_named(file, paths)] for files in _by_kind(library)]
    files = [file for kind in kinds for file in kind]
    useless = [str(path) for path in paths if not any(_is_named(file, [path]) for file in files)]
    if useless:
        raise CvitBenchError(
            f"{', '.join(useless)}: no task, suite or template "
            "(ROOT/tasks/*.yaml, ROOT/tasks/suites/*.yaml, ROOT/instruction_templates/*.yaml)"
        )
    return library, Chosen(*kinds)


def _by_kind(library: "Library") -> tuple[dict[str, Path], ...]:
    return library.templates, library.suites, library.tasks


def _root(path: Path) -> Path:
    """Return the folder that holds `tasks/` or `instruction_templates/`, seen from a file or folder in it."""
    resolved = path.resolve()
    for folder in (resolved, *resolved.parents):
        if (folder / "tasks").is_dir() or (folder / "instruction_templates").is_dir():
            return folder
    return resolved if resolved.is_dir() else resolved.parent


def _is_named(file: Path, paths: list[Path]) -> bool:
    resolved = file.resolve()
    return any(resolved.is_relative_to(path.resolve()) for path in paths)
