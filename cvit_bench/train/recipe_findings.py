"""What is wrong with a recipe file: every finding is one line, nothing raises."""

from pathlib import Path

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import read_text, yaml_line
from cvit_bench.records.method import Method, load_method, method_files
from cvit_bench.records.recipe import PublishedRecipe, load_recipe, settings_for
from cvit_bench.text import unknown_name
from cvit_bench.train.settings import checked


def recipe_findings(path: Path) -> list[str]:
    """Return what is wrong with a recipe: keys, methods and file that it names, settings no adapter has."""
    try:
        recipe = load_recipe(path)
    except CvitBenchError as error:
        return str(error).splitlines()
    files = method_files()
    found = [
        f"{path}:{yaml_line(path, ('methods', name))}: methods.{name}: {unknown_name('method', name, files)}"
        for name in recipe.methods
        if name not in files
    ]
    found += _shapes_findings(path, recipe)
    return found + [line for name in sorted(files) for line in _settings_findings(path, load_method(name))]


def _shapes_findings(path: Path, recipe: PublishedRecipe) -> list[str]:
    if recipe.shapes is None:
        return []
    try:
        read_text(path.parent / recipe.shapes)
    except CvitBenchError as error:
        return [f"{path}:{yaml_line(path, ('shapes',))}: shapes: {error}"]
    return []


def _settings_findings(path: Path, method: Method) -> list[str]:
    """Return what a method's adapter has against the settings that it gets."""
    if method.adapter is None:
        return []
    wanted = settings_for(method, path)
    kind = plugins.load(plugins.ADAPTERS, method.adapter).Config
    try:
        checked(kind, {**method.adapter_config, **wanted.adapter}, f"{wanted.where}: adapter")
    except CvitBenchError as error:
        return str(error).splitlines()
    return []
