"""`cvit-bench list`: what there is, by name, with one line each."""

from collections.abc import Callable
from typing import Annotated

import typer

from cvit_bench import plugins
from cvit_bench.cli.export import LORA
from cvit_bench.cli.options import Json
from cvit_bench.errors import CvitBenchError
from cvit_bench.text import unknown_name, visible

Row = tuple[str, str]


def _tasks() -> list[Row]:
    from cvit_bench.data.library import open_library

    library = open_library()
    tasks = [library.task(name) for name in sorted(library.tasks)]
    return [(task.name, f"{task.title} ({task.answer_form.value}): {task.description}") for task in tasks]


def _suites() -> list[Row]:
    from cvit_bench.data.library import open_library

    library = open_library()
    suites = [library.suite(name) for name in sorted(library.suites)]
    return [(suite.name, f"{suite.title}, version {suite.version}: {suite.description}") for suite in suites]


def _templates() -> list[Row]:
    from cvit_bench.data.library import open_library

    library = open_library()
    templates = [library.template(name) for name in sorted(library.templates)]
    return [
        (
            template.name,
            f"{template.answer_form.value}: {len(template.variants_of('train'))} train variants, "
            f"{len(template.variants_of('heldout'))} heldout, {len(template.form_changes)} in another form",
        )
        for template in templates
    ]


def _methods() -> list[Row]:
    from cvit_bench.records.method import load_method, method_files

    methods = [load_method(name) for name in sorted(method_files())]
    return [(method.name, f"{method.title}: {method.description}") for method in methods]


def _recipes() -> list[Row]:
    from cvit_bench.records.recipe import load_recipe, recipe_files

    recipes = [load_recipe(path) for _, path in sorted(recipe_files().items())]
    return [(recipe.name, f"{recipe.title}: {recipe.description}") for recipe in recipes]


def _plugins(kind: plugins.Kind) -> Callable[[], list[Row]]:
    return lambda: [(name, plugins.summary(kind, name)) for name in plugins.names(kind)]


KINDS: dict[str, Callable[[], list[Row]]] = {
    "tasks": _tasks,
    "suites": _suites,
    "templates": _templates,
    "methods": _methods,
    "recipes": _recipes,
    "scorers": _plugins(plugins.SCORERS),
    "released_scorers": _plugins(plugins.RELEASED),
    "metrics": _plugins(plugins.METRICS),
    "readers": _plugins(plugins.READERS),
    "families": _plugins(plugins.FAMILIES),
    "adapters": _plugins(plugins.ADAPTERS),
    "hooks": _plugins(plugins.HOOKS),
    "imports": _plugins(plugins.IMPORTS),
    "exports": lambda: sorted([*_plugins(plugins.EXPORTS)(), (LORA, "A stage as a plain LoRA of PEFT.")]),
}


def list_names(kind: Annotated[str, typer.Argument(help=" | ".join(KINDS))], json: Json = False) -> None:
    """List what there is of a kind, such as tasks or methods."""
    if kind not in KINDS:
        raise CvitBenchError(unknown_name("kind", kind, KINDS))
    rows = KINDS[kind]()
    if json:
        from json import dumps

        print(dumps([{"name": name, "description": text} for name, text in rows], indent=1))
        return
    from tabulate import tabulate

    print(
        visible(tabulate(rows, headers=("name", "description"), tablefmt="simple", maxcolwidths=[None, 90]))
    )
