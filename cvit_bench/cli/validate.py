"""`cvit-bench validate`: check tasks, suites, templates, the data they name, and recipes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import DataRoot
from cvit_bench.errors import CvitBenchError
from cvit_bench.text import counted, visible

if TYPE_CHECKING:
    from cvit_bench.data.library import Library


@dataclass(frozen=True)
class Chosen:
    """The files to be checked, by kind."""

    templates: list[Path] = field(default_factory=list)
    suites: list[Path] = field(default_factory=list)
    tasks: list[Path] = field(default_factory=list)
    recipes: list[Path] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files there are."""
        return sum(len(files) for files in vars(self).values())


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Yaml files, or folders that hold tasks/ (default: all shipped)."),
    ] = None,
    data_root: DataRoot = None,
) -> None:
    """Check yaml, templates, files, images, ids and overlaps.

    Exit 1 when something is found.
    """
    from cvit_bench.data.check import Check

    library, chosen = _chosen(paths or [])
    check = Check(library, data_root)
    for path in chosen.templates:
        check.template(path)
    for path in chosen.suites:
        check.suite(path)
    for path in chosen.tasks:
        check.task(path)
    findings = check.findings + _recipe_findings(chosen.recipes)
    for finding in findings:
        print(visible(finding))
    if check.unseen:
        print(f"{check.unseen} splits of downloaded data were not looked at: --data-root names their folder")
    print(f"{counted(chosen.count, 'file')} checked, {counted(len(findings), 'finding')}")
    if findings:
        raise typer.Exit(1)


def _recipe_findings(paths: list[Path]) -> list[str]:
    """Return the findings about recipes; the settings that adapters know stand in their code (torch)."""
    if not paths:
        return []
    from cvit_bench.train.recipe_findings import recipe_findings

    return [finding for path in paths for finding in recipe_findings(path)]


def _chosen(paths: list[Path]) -> "tuple[Library, Chosen]":
    """Return the library that the paths belong to, and the files they name."""
    from cvit_bench.data.library import open_library
    from cvit_bench.records.recipe import recipe_files

    if not paths:
        library = open_library()
        templates, suites, tasks = (list(files.values()) for files in _by_kind(library))
        return library, Chosen(templates, suites, tasks, list(recipe_files().values()))
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise CvitBenchError(f"{', '.join(missing)}: no such file or folder")
    library = open_library(*dict.fromkeys(_root(path) for path in paths))
    templates, suites, tasks = (
        [file for file in files.values() if _is_named(file, paths)] for files in _by_kind(library)
    )
    recipes = sorted({recipe for path in paths for recipe in _recipes(path)})
    files = [*templates, *suites, *tasks, *recipes]
    useless = [str(path) for path in paths if not any(_is_named(file, [path]) for file in files)]
    if useless:
        raise CvitBenchError(
            f"{', '.join(useless)}: no task, suite, template or recipe (ROOT/tasks/*.yaml, "
            "ROOT/tasks/suites/*.yaml, ROOT/instruction_templates/*.yaml, recipes/*.yaml)"
        )
    return library, Chosen(templates, suites, tasks, recipes)


def _recipes(path: Path) -> list[Path]:
    """Return the recipes that a path names: a file of a folder `recipes`, such a folder, or one with it."""
    if path.is_file():
        return [path] if path.suffix == ".yaml" and path.resolve().parent.name == "recipes" else []
    folder = path if path.resolve().name == "recipes" else path / "recipes"
    return sorted(folder.glob("*.yaml"))


def _by_kind(library: "Library") -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
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
